"""A store that is slow or away while a job begins or ends: leases are extended, and it is named."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from syndb_service.container import Container, build_container
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job, JobRequest
from syndb_service.server.embedded_worker import EmbeddedWorker
from syndb_service.settings import load_settings
from syndb_service.store import Submission
from syndb_service.store.schema import jobs
from tests.support.servers.seaweed import Seaweed
from tests.support.servers.store_proxy import Act, Rule, StoreProxy
from tests.support.waiting import wait_until

LEASE_S = 2.0
LARGE = "SELECT hash(range) AS h FROM range(1500000)"


@dataclass
class Running:
    """A service whose results lie behind a proxy."""

    service: Container
    worker: EmbeddedWorker
    proxy: StoreProxy

    def submit(self, query: str, **fields: object) -> Job:
        request = JobRequest(Kind.QUERY, query=query, **fields)  # type: ignore[arg-type]
        job, _ = self.service.store.insert(Submission("ada", request))
        self.service.dispatcher.dispatch(job.job_id)
        return job

    def get(self, job: Job) -> Job:
        return self.service.store.get(job.job_id)

    def until(self, job: Job, condition: Callable[[Job], bool]) -> Job:
        limit = time.monotonic() + 120
        while not condition(now := self.get(job)):
            assert time.monotonic() < limit, now
            time.sleep(0.01)
        return now

    def outlasts_leases(self, job: Job, rule: Rule) -> None:
        """Hold a request past the lease it began under: the attempt is still the first."""
        assert rule.reached.wait(120)
        held_at = self.service.database.now()
        self.until(job, lambda _: self.leased_until(job) > held_at + timedelta(seconds=2 * LEASE_S))
        assert (self.get(job).attempt, self.get(job).deaths) == (1, 0)

    def leased_until(self, job: Job) -> datetime:
        with self.service.database.read() as connection:
            leased = select(jobs.c.lease_until).where(jobs.c.job_id == job.job_id)
            until: datetime | None = connection.execute(leased).scalar_one()
        assert until is not None, self.get(job)
        return until


@pytest.fixture
def running(s3: Seaweed, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    proxy = StoreProxy(int(s3.endpoint.rpartition(":")[2]))
    for name, value in {
        "SYNDB_RESULTS_URL": f"s3://{s3.bucket}/{prefix}",
        "SYNDB_S3_ENDPOINT_URL": proxy.endpoint,
        "SYNDB_LEASE_S": str(LEASE_S),
        "SYNDB_SWEEP_S": "0.05",
        "SYNDB_HINT_S": "1",
        "SYNDB_MAX_OUTAGES": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("syndb_service.s3.retry.PAUSES_S", (0.0,))
    service = build_container(load_settings(tmp_path))
    worker = EmbeddedWorker(service)
    worker.start()
    yield Running(service, worker, proxy)
    worker.stop()
    service.close()
    proxy.close()


@pytest.mark.parametrize(
    ("query", "method", "path"),
    [
        ("SELECT 1", "PUT", r"/1$"),
        (LARGE, "POST", "uploadId="),
        (LARGE, "PUT", "partNumber=2"),
        (LARGE, "POST", "uploads$"),
    ],
    ids=["small", "completing", "last part", "beginning"],
)
def test_the_lease_is_extended_while_the_end_of_a_result_is_uploaded(
    running: Running, query: str, method: str, path: str
) -> None:
    with running.proxy.rule(Act.HOLD, method, path, times=1) as rule:
        job = running.submit(query)
        running.outlasts_leases(job, rule)
    done = running.until(job, lambda job: job.status.final)
    assert (done.status, done.attempt, done.deaths, done.outages) == (Status.COMPLETED, 1, 0, 0)


def test_the_lease_is_extended_while_a_result_is_copied_or_brought_here(running: Running) -> None:
    query = "SELECT 42 AS n"
    first = running.submit(query)
    running.until(first, lambda job: job.status.final)
    with running.proxy.rule(Act.HOLD, "GET", f"{first.job_id}/1", times=1) as rule:
        reading = running.submit(f"SELECT * FROM {{{{{first.job_id}}}}}")
        running.outlasts_leases(reading, rule)
    assert running.until(reading, lambda job: job.status.final).status is Status.COMPLETED


def test_a_cancel_is_heeded_while_the_end_of_a_result_is_uploaded(running: Running) -> None:
    with running.proxy.rule(Act.HOLD, "PUT", r"/1$", times=1) as rule:
        job = running.submit("SELECT 1")
        assert rule.reached.wait(120)
        running.service.store.request_cancel(job.job_id, "ada")
        running.until(job, lambda job: job.status is Status.CANCELLED)
    wait_until(lambda: "store call" not in {thread.name for thread in threading.enumerate()})
    assert running.service.results.keys(job.job_id) == []


def test_a_worker_that_ends_does_not_wait_for_a_slow_store(running: Running) -> None:
    with running.proxy.rule(Act.HOLD, "PUT", r"/1$", times=1) as rule:
        job = running.submit("SELECT 1")
        assert rule.reached.wait(120)
        running.service.supervisor.stop()
        given_back = running.until(job, lambda job: job.status is Status.PENDING)
    assert (given_back.reason, given_back.deaths) == (Reason.QUEUED, 0)


def test_a_store_that_stays_away_is_named_and_nobody_died(running: Running) -> None:
    with running.proxy.rule(Act.FAIL, "PUT", r"/\d$"):
        job = running.submit("SELECT 1")
        failed = running.until(job, lambda job: job.status.final)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.STORE_UNAVAILABLE)
    assert (failed.attempt, failed.outages, failed.deaths) == (2, 1, 0)
    assert failed.failure is not None
    assert "the result store can't do it now" in failed.failure.message
