"""What is chosen before a write and changes before the write: the write names it, and does nothing.

Each function forces one such order on a database; they are played on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest import mock

from sqlalchemy import event, select, text, update

from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Failure, Job, JobRequest, Result
from syndb_service.store import Database, JobStore, Submission, TokenStore, scheduling
from syndb_service.store.schema import jobs, tokens

REQUEST = JobRequest(Kind.QUERY, query="SELECT 1")
FAILURE = Failure("worker_lost", "it is gone")


def running(store: JobStore, lease_s: float = 30) -> Job:
    store.insert(Submission("ada", REQUEST))
    job = store.attempts.claim_next(lease_s)
    assert job is not None
    return job


def kept(store: JobStore, hours: float) -> Job:
    job = running(store)
    result = Result(f"{job.job_id}/1", "arrow", 10, 1, (("n", "int64"),), "ab" * 32)
    assert store.attempts.mark_completed(job, result, datetime.now(UTC) + timedelta(hours=hours))
    return job


def a_result_that_is_kept_longer_is_not_destroyed(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    job = kept(store, hours=-1)
    (listed,) = store.maintenance.list_expired()
    until = datetime.now(UTC) + timedelta(days=1)
    assert store.retention.change(job.job_id, "ada", {"expires_at": until})[1]
    assert not store.maintenance.mark_deleted(listed)
    assert store.get(job.job_id).destroyed_at is None


def a_destroyed_result_can_not_be_kept(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    job = kept(store, hours=-1)
    (listed,) = store.maintenance.list_expired()
    assert store.maintenance.mark_deleted(listed)
    assert not store.maintenance.mark_deleted(listed)
    assert not store.retention.change(
        job.job_id, "ada", {"expires_at": datetime.now(UTC) + timedelta(days=1)}
    )[1]
    assert not store.retention.purge(job.job_id, "ada")[1]


def a_heartbeat_keeps_a_job_from_a_sweep_that_listed_it_before(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    job = running(store, lease_s=-1)
    (listed,) = store.maintenance.list_lapsed()
    assert store.attempts.heartbeat(job, 30).lease_held
    assert not store.attempts.requeue(listed, Reason.WORKER_LOST, death=True, lapsed=True)
    assert not store.attempts.mark_failed(listed, Reason.WORKER_LOST, FAILURE, lapsed=True)
    store.request_cancel(job.job_id, "ada")
    assert not store.attempts.mark_cancelled(listed, lapsed=True)
    after = store.get(job.job_id)
    assert (after.status, after.attempt, after.deaths) == (Status.RUNNING, 1, 0)


def a_lapsed_lease_is_taken(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    first, second, third = (running(store, lease_s=-1) for _ in range(3))
    assert store.attempts.requeue(first, Reason.WORKER_LOST, death=True, lapsed=True)
    assert store.attempts.mark_failed(second, Reason.WORKER_LOST, FAILURE, lapsed=True)
    store.request_cancel(third.job_id, "ada")
    assert store.attempts.mark_cancelled(third, lapsed=True)


def a_running_job_is_cancelled_only_where_that_was_asked_for(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    job = running(store)
    assert not store.attempts.mark_cancelled(job)
    assert store.get(job.job_id).status is Status.RUNNING


def a_job_that_began_to_wait_out_an_outage_is_not_claimed(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    job = running(store)
    assert store.attempts.requeue(job, Reason.STORE_UNAVAILABLE, outage=True)
    with database.write() as connection:
        later = database.now() + timedelta(hours=1)
        connection.execute(update(jobs).where(jobs.c.job_id == job.job_id).values(not_before=later))
    with mock.patch.object(scheduling, "next_job", side_effect=[job.job_id, None]):
        assert store.attempts.claim_next(30) is None
    assert store.get(job.job_id).status is Status.PENDING


def of_two_sweepers_one_hints_at_a_job(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    made = {store.insert(Submission("ada", REQUEST))[0].job_id for _ in range(10)}
    with database.write() as connection:
        connection.execute(update(jobs).values(hinted_at=database.now() - timedelta(minutes=1)))
    taken: list[str] = []

    def sweep() -> None:
        taken.extend(store.maintenance.claim_undispatched(10))

    def let_the_other_choose(_connection: object) -> None:
        """Commit only once the other sweeper has chosen the same jobs and waits for this one to end."""
        while database.shared and (other.ident is None or other.is_alive()):
            with database.read() as connection:
                if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                    return

    other = threading.Thread(target=sweep)
    event.listen(database.engine, "commit", let_the_other_choose, once=True)
    first = threading.Thread(target=sweep)
    first.start()
    other.start()
    first.join()
    other.join()
    assert sorted(taken) == sorted(made)


def a_token_keeps_the_time_of_its_first_revocation_and_of_its_last_use(database: Database) -> None:
    store = TokenStore(database, 365)
    token = store.create("ada", academic=True)

    def row() -> Any:
        with database.read() as connection:
            return connection.execute(select(tokens)).one()

    now = database.now()
    store._note_use(row().token_id, now)
    store._note_use(row().token_id, now - timedelta(days=1))
    assert row().last_used_at == now
    assert store.verify(token).user == "ada"
    store.revoke(row().token_id)
    first = row().revoked_at
    store.revoke(row().token_id)
    assert row().revoked_at == first


def what_became_of_a_file_is_noted_once_and_only_while_its_result_is_kept(database: Database) -> None:
    store = JobStore(database, lambda _: None)
    job, other = kept(store, hours=1), kept(store, hours=1)
    assert job.result is None, "as it was claimed"
    job = store.get(job.job_id)
    assert job.result is not None
    key, damaged = job.result.key, Reason.RESULT_DAMAGED
    assert {each.job_id for each in store.maintenance.list_results_after("")} == {job.job_id, other.job_id}
    assert store.maintenance.list_results_after(max(job.job_id, other.job_id)) == []
    assert not store.maintenance.note_file(job.job_id, key, None), "it is right already"
    assert not store.maintenance.note_file(job.job_id, "of another attempt", damaged)
    assert store.maintenance.note_file(job.job_id, key, damaged)
    assert not store.maintenance.note_file(job.job_id, key, damaged), "told once"
    assert (store.get(job.job_id).reason, store.get(job.job_id).version) == (damaged, job.version + 1)
    assert store.maintenance.note_file(job.job_id, key, None)
    store.maintenance.note_state(job.job_id, replace(job.result, state="new"))
    assert store.get(job.job_id).result == replace(job.result, state="new")
    assert store.retention.purge(job.job_id, "ada")[1]
    assert not store.maintenance.note_file(job.job_id, key, damaged)
    store.maintenance.note_state(job.job_id, replace(job.result, state="newer"))
    assert store.get(job.job_id).result == replace(job.result, state="new")
    assert store.get(job.job_id).reason is Reason.EXPIRED
    claims = [store.maintenance.claim_scrub(every_s) for every_s in (3600, 3600, 0)]
    assert claims == [True, False, True]


def that_no_worker_reports_is_written_once_into_what_waits(database: Database) -> None:
    told: list[str] = []
    store = JobStore(database, told.append)
    assert store.worker_reports.worker_silence_s() is None
    at_work = running(store)
    assert store.worker_reports.worker_silence_s() == 0, "a worker of an earlier version does not report"
    job, _ = store.insert(Submission("ada", REQUEST))
    told.clear()
    assert [store.worker_reports.note_no_worker("…"), store.worker_reports.note_no_worker("…")] == [1, 0]
    progress = store.get(job.job_id).progress
    assert progress is not None
    assert progress.phase == "waiting: no worker is running (…)"
    assert store.get(at_work.job_id).progress == at_work.progress
    store.worker_reports.report_worker()
    store.worker_reports.report_worker()
    silence_s = store.worker_reports.worker_silence_s()
    assert silence_s is not None
    assert 0 <= silence_s < 600
    assert [store.worker_reports.note_worker(), store.worker_reports.note_worker()] == [1, 0]
    assert store.get(job.job_id).progress is None
    assert told == [job.job_id] * 2


GUARDS: Final[list[Callable[[Database], None]]] = [
    a_result_that_is_kept_longer_is_not_destroyed,
    a_destroyed_result_can_not_be_kept,
    a_heartbeat_keeps_a_job_from_a_sweep_that_listed_it_before,
    a_lapsed_lease_is_taken,
    a_running_job_is_cancelled_only_where_that_was_asked_for,
    a_job_that_began_to_wait_out_an_outage_is_not_claimed,
    of_two_sweepers_one_hints_at_a_job,
    a_token_keeps_the_time_of_its_first_revocation_and_of_its_last_use,
    what_became_of_a_file_is_noted_once_and_only_while_its_result_is_kept,
    that_no_worker_reports_is_written_once_into_what_waits,
]
