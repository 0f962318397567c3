"""What is told while a job's files are brought here: how far that is, and no fraction of the job."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import Job, JobRequest, Progress
from syndb_service.settings import Settings
from syndb_service.store.attempts import LeaseState
from syndb_service.worker import job_runner
from syndb_service.worker.lease_keeper import LeaseKeeper


class Told:
    """A job store of which only the heartbeat is used."""

    def __init__(self) -> None:
        self.attempts = self
        self.progress: list[Progress] = []

    def heartbeat(self, _job: Job, _lease_s: float, progress: Progress) -> LeaseState:
        self.progress.append(progress)
        return LeaseState(lease_held=True, cancel_requested=False)


def test_the_fraction_of_a_job_begins_when_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_runner, "PROGRESS_INTERVAL_S", 0.0)
    store, nobody = Told(), cast("Any", None)
    settings = Settings(data_dir=tmp_path)
    runner = job_runner.JobRunner(settings, nobody, cast("Any", store), nobody, nobody, nobody, nobody)
    request = JobRequest(Kind.QUERY, query="SELECT 1")
    job = Job("job", "ada", request, Status.RUNNING, None, 2, datetime.now(UTC))
    tick = runner._lease_progress_callback(LeaseKeeper(job, cast("Any", store), 30, threading.Event()))
    for here in (0, 400, 1000):
        tick(here, 1000)
    tick(0, 0)
    assert [told.fraction for told in store.progress] == [None] * 4, "it would fall when the query starts"
    assert [(told.phase, told.bytes) for told in store.progress] == [
        ("fetching datasets (0%)", 0),
        ("fetching datasets (40%)", 400),
        ("fetching datasets (100%)", 1000),
        ("fetching datasets", 0),
    ]
