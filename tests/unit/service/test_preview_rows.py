"""Previews and purges in the rows: guarded like every move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syndb_service.domain.job_status import Kind, Reason
from syndb_service.domain.jobs import Failure, Job, JobRequest, Result
from syndb_service.errors import NotFound
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade

RESULT = Result("key", "arrow", 10, 1, (("n", "int64"),), "ab" * 32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    yield JobStore(database, lambda job_id: None)
    database.close()


def running(store: JobStore) -> Job:
    store.insert(Submission("ada", JobRequest(Kind.QUERY, query="SELECT 1")))
    job = store.attempts.claim_next(30)
    assert job is not None
    return job


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def test_a_preview_lives_as_long_as_the_result(store: JobStore) -> None:
    job = running(store)
    assert store.previews.get_preview(job.job_id) is None
    assert store.previews.put_preview(job, b"one")
    assert store.previews.put_preview(job, b"two")
    assert store.previews.get_preview(job.job_id) == b"two"
    assert store.attempts.mark_completed(job, RESULT, tomorrow())
    assert store.previews.get_preview(job.job_id) == b"two"
    assert not store.previews.put_preview(job, b"late")
    assert store.retention.purge(job.job_id, "ada")[1]
    assert store.previews.get_preview(job.job_id) is None


@pytest.mark.parametrize("end", ["requeue", "fail", "cancel"])
def test_nothing_of_an_attempt_is_left(store: JobStore, end: str) -> None:
    job = running(store)
    assert store.previews.put_preview(job, b"one")
    if end == "requeue":
        assert store.attempts.requeue(job, Reason.WORKER_LOST, death=True)
        new = store.attempts.claim_next(30)
        assert new is not None
        assert not store.previews.put_preview(job, b"of a fenced attempt")
    elif end == "fail":
        assert store.attempts.mark_failed(job, Reason.ENGINE_FAILURE, Failure("engine_failure", "it broke"))
    else:
        store.request_cancel(job.job_id, "ada")
        assert store.attempts.mark_cancelled(job)
    assert store.previews.get_preview(job.job_id) is None


def test_only_the_owner_purges_and_only_once(store: JobStore) -> None:
    job = running(store)
    assert store.retention.purge(job.job_id, "ada") == (store.get(job.job_id), False)
    assert store.attempts.mark_completed(job, RESULT, tomorrow())
    with pytest.raises(NotFound):
        store.retention.purge(job.job_id, "bob")
    purged, destroyed = store.retention.purge(job.job_id, "ada")
    assert destroyed
    assert purged.destroyed_at == purged.expires_at
    assert store.retention.purge(job.job_id, "ada") == (purged, False)
    assert store.retention.change(job.job_id, "ada", {"expires_at": tomorrow()}) == (purged, False)
