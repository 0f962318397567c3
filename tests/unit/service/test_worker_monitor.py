"""A service without a living worker says so, in the records of what waits and in its readiness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import JobRequest
from syndb_service.errors import TransientError
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade
from syndb_service.store.worker_reports import CHUNK, NO_WORKER, SILENT_S
from syndb_service.worker.worker_monitor import GRACE_S, LocalReports, WorkerMonitor, WorkerReporter

REQUEST = JobRequest(Kind.QUERY, query="SELECT 1")


class Moved(Database):
    """A database whose clock a test moves; the monitor reads the same one."""

    ahead_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_s)

    def seconds(self) -> float:
        return self.ahead_s


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Moved]:
    database = Moved(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def store(database: Moved) -> JobStore:
    return JobStore(database, lambda _: None)


def pending(store: JobStore) -> str:
    return store.insert(Submission("ada", REQUEST))[0].job_id


def phase(store: JobStore, job_id: str) -> str | None:
    progress = store.get(job_id).progress
    return None if progress is None else progress.phase


def look_until(monitor: WorkerMonitor, database: Moved, seconds: float) -> None:
    """Let time pass as it does: the monitor looks every half second."""
    until = database.ahead_s + seconds
    while database.ahead_s < until:
        database.ahead_s += 0.5
        monitor.check_workers()


def test_a_waiting_job_tells_that_no_worker_is_alive_and_that_one_is_again(
    database: Moved, store: JobStore
) -> None:
    monitor = WorkerMonitor(store, store.worker_reports, clock=database.seconds)
    store.worker_reports.report_worker()
    job_id = pending(store)
    look_until(monitor, database, SILENT_S - 0.5)
    assert phase(store, job_id) is None
    monitor.check()
    look_until(monitor, database, 1.5)
    version = store.get(job_id).version
    assert (phase(store, job_id) or "").startswith(f"{NO_WORKER} (last report 20")
    with pytest.raises(TransientError, match="no worker has reported for"):
        monitor.check()
    look_until(monitor, database, 10)
    assert store.get(job_id).version == version, "what is told is not told again and again"
    later = pending(store)
    monitor.check_workers()
    assert (phase(store, later) or "").startswith(NO_WORKER)
    store.worker_reports.report_worker()
    monitor.check_workers()
    monitor.check()
    assert phase(store, job_id) is phase(store, later) is None
    assert store.get(job_id).version == version + 1


def test_where_no_worker_ever_was_that_is_told(database: Moved, store: JobStore) -> None:
    monitor = WorkerMonitor(store, store.worker_reports, clock=database.seconds)
    job_ids = [pending(store) for _ in range(3)]
    look_until(monitor, database, SILENT_S)
    assert {phase(store, each) for each in job_ids} == {f"{NO_WORKER} (none has reported yet)"}


def test_more_pending_jobs_than_one_statement_changes(
    database: Moved, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndb_service.store.worker_reports.CHUNK", 2)
    monkeypatch.setattr("syndb_service.worker.worker_monitor.CHUNK", 2)
    assert CHUNK > 2
    job_ids = [pending(store) for _ in range(5)]
    monitor = WorkerMonitor(store, store.worker_reports, clock=database.seconds)
    look_until(monitor, database, SILENT_S)
    assert all((phase(store, each) or "").startswith(NO_WORKER) for each in job_ids)
    store.worker_reports.report_worker()
    monitor.check_workers()
    assert {phase(store, each) for each in job_ids} == {None}


def test_after_a_start_an_outage_or_a_sleep_nothing_is_told_too_early(
    database: Moved, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.worker_reports.report_worker()
    job_id = pending(store)
    database.ahead_s = 3600.0  # nothing ran for an hour: the API starts a moment before its workers
    monitor = WorkerMonitor(store, store.worker_reports, clock=database.seconds)
    look_until(monitor, database, SILENT_S - 0.5)
    store.worker_reports.report_worker()
    database.ahead_s += 60.0  # the computer slept
    look_until(monitor, database, GRACE_S - 1.0)
    store.worker_reports.report_worker()
    with monkeypatch.context() as outage:
        outage.setattr(store.worker_reports, "worker_silence_s", refuse)
        for _ in range(20):
            with pytest.raises(TransientError, match="away"):
                look_until(monitor, database, 0.5)
    look_until(monitor, database, GRACE_S - 0.5)
    assert phase(store, job_id) is None
    monitor.check()
    look_until(monitor, database, 0.5)
    assert (phase(store, job_id) or "").startswith(NO_WORKER)


def refuse() -> float:
    raise TransientError("the database is away")


@pytest.mark.slow
def test_a_worker_of_an_earlier_version_counts_while_it_works(database: Moved, store: JobStore) -> None:
    """It does not report: what it started since the last report says that it lives."""
    monitor = WorkerMonitor(store, store.worker_reports, clock=database.seconds)
    store.worker_reports.report_worker()
    database.ahead_s = 100.0
    store.insert(Submission("ada", REQUEST))
    job = store.attempts.claim_next(30)
    assert job is not None
    waiting = pending(store)
    look_until(monitor, database, 20)
    assert phase(store, waiting) is None
    store.attempts.heartbeat(job, 30)
    look_until(monitor, database, 20)
    assert phase(store, waiting) is None
    look_until(monitor, database, 15)
    assert (phase(store, waiting) or "").startswith(NO_WORKER), "its lease is over"


@pytest.mark.slow
def test_a_job_that_runs_hides_no_killed_worker(database: Moved, store: JobStore) -> None:
    monitor = WorkerMonitor(store, store.worker_reports, clock=database.seconds)
    store.worker_reports.report_worker()
    store.insert(Submission("ada", REQUEST))
    assert store.attempts.claim_next(30) is not None
    waiting = pending(store)
    look_until(monitor, database, SILENT_S + 0.5)
    assert (phase(store, waiting) or "").startswith(NO_WORKER)


@pytest.mark.parametrize("is_broker_away", [True, False])
def test_a_job_tells_the_first_thing_that_it_lacks(
    database: Moved, store: JobStore, is_broker_away: bool
) -> None:
    job_id = pending(store)
    store.attempts.record_broker_outage(job_id, "the broker is unavailable")
    check_broker = refuse if is_broker_away else database.ready
    monitor = WorkerMonitor(store, store.worker_reports, check_broker, clock=database.seconds)
    look_until(monitor, database, SILENT_S)
    assert (phase(store, job_id) or "").startswith("waiting: the broker" if is_broker_away else NO_WORKER)


def test_no_other_job_is_touched(database: Moved, store: JobStore) -> None:
    job_id = pending(store)
    running = store.attempts.claim_next(30)
    assert running is not None
    cancelled = pending(store)
    store.request_cancel(cancelled, "ada")
    database.ahead_s = 60.0
    assert store.worker_reports.note_no_worker("none has reported yet") == 0
    assert phase(store, job_id) == "starting"
    assert store.get(cancelled).status is Status.CANCELLED


def test_a_worker_in_the_same_process_reports_only_while_it_takes_jobs() -> None:
    reports = LocalReports()
    alive = [True]
    reporter = WorkerReporter(reports, lambda: alive[0])
    assert reports.worker_silence_s() is None
    reporter.report()
    before = reports._reported_at
    assert before is not None
    alive[0] = False
    reporter.report()
    assert reports._reported_at == before
