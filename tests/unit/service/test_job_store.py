"""The rows: guarded moves, one winner, nothing changed by the loser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from syndb_service.domain.job_status import TRANSITIONS, Kind, Reason, Status, is_allowed
from syndb_service.domain.jobs import Failure, JobRequest, Progress, Result
from syndb_service.errors import (
    BadSetting,
    Conflict,
    InvalidRequest,
    NotFound,
    TooManyRequests,
    TransientError,
)
from syndb_service.store import Database, JobStore, Submission, TokenStore
from syndb_service.store.schema import job_events, jobs
from syndb_service.store.upgrade import upgrade
from tests.support.statistics_counts import check_cost, check_counts
from tests.support.store_guards import GUARDS

REQUEST = JobRequest(Kind.QUERY, query="SELECT 1")
RESULT = Result("key", "arrow", 10, 1, (("n", "int64"),), "ab" * 32)
FAILURE = Failure("engine_failure", "it broke")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def store(database: Database, told: list[str]) -> JobStore:
    return JobStore(database, told.append)


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def submit(store: JobStore, owner: str = "ada") -> str:
    return store.insert(Submission(owner, REQUEST))[0].job_id


def test_a_full_disk_changes_nothing_and_is_named(store: JobStore, database: Database) -> None:
    kept = submit(store)
    with database.read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    database.close()

    def fill(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(database.engine, "connect", fill)
    long = Submission("ada", JobRequest(Kind.QUERY, query="SELECT 1 -- " + "x" * 100_000))
    for _ in range(3):
        with pytest.raises(TransientError, match="the disk of the job database is full") as refusal:
            store.insert(long)
        assert refusal.value.error_code == "database_full"
        assert store.get(kept).status is Status.PENDING
    event.remove(database.engine, "connect", fill)
    database.close()
    assert store.insert(long)[1]
    assert len(store.list("ada")[0]) == 2


def test_a_read_only_database_is_named_at_start(database: Database, tmp_path: Path) -> None:
    database.check()
    reader = Database(f"sqlite:///file:{tmp_path / 'jobs.sqlite'}?mode=ro&uri=true")
    upgrade(reader)
    with pytest.raises(BadSetting, match=r"jobs\.sqlite.* can't be written: it is read-only"):
        reader.check()
    reader.close()


def test_the_table_of_moves() -> None:
    assert {status for status in Status if status.final} == {
        Status.COMPLETED,
        Status.FAILED,
        Status.CANCELLED,
    }
    assert is_allowed(Status.RUNNING, Status.PENDING)
    assert not any(is_allowed(source, target) for source in Status if source.final for target in Status)
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_what_changed_since_it_was_chosen_is_left(
    database: Database, guard: Callable[[Database], None]
) -> None:
    guard(database)


@pytest.mark.slow
def test_ended_jobs_are_counted_once(database: Database) -> None:
    check_counts(database)


def test_figures_are_read_without_the_rows_that_were_counted(database: Database) -> None:
    check_cost(database)


def test_a_whole_life(store: JobStore, database: Database, told: list[str]) -> None:
    job_id = submit(store)
    claimed = store.attempts.claim_next(30)
    assert claimed is not None
    assert (claimed.job_id, claimed.status, claimed.attempt) == (job_id, Status.RUNNING, 1)
    assert store.attempts.heartbeat(claimed, 30, Progress("executing", 0.5, 10, 100)).lease_held
    assert store.attempts.mark_completed(claimed, RESULT, tomorrow())
    done = store.get(job_id)
    assert (done.status, done.result, done.progress) == (Status.COMPLETED, RESULT, None)
    assert done.version == 4
    assert told == [job_id] * 4
    with database.read() as connection:
        rows = connection.execute(select(job_events.c.status).order_by(job_events.c.event_id)).all()
    assert [row.status for row in rows] == ["pending", "running", "completed"]


def test_jobs_start_in_order(store: JobStore) -> None:
    made = [submit(store) for _ in range(5)]
    assert [store.get(job_id).queue_position for job_id in made] == [1, 2, 3, 4, 5]
    claimed = [store.attempts.claim_next(30) for _ in range(6)]
    assert [job and job.job_id for job in claimed] == [*made, None]


def test_a_fenced_attempt_changes_nothing(store: JobStore) -> None:
    submit(store)
    old = store.attempts.claim_next(30)
    assert old is not None
    assert store.attempts.requeue(old, Reason.WORKER_LOST, death=True)
    new = store.attempts.claim_next(30)
    assert new is not None
    assert (new.attempt, new.deaths) == (2, 1)
    assert not store.attempts.heartbeat(old, 30, Progress("executing")).lease_held
    assert not store.attempts.mark_completed(old, RESULT, tomorrow())
    assert not store.attempts.mark_failed(old, Reason.ENGINE_FAILURE, FAILURE)
    assert not store.attempts.mark_cancelled(old)
    assert not store.attempts.requeue(old, Reason.QUEUED, death=False)
    assert store.get(new.job_id) == new


def test_final_is_final(store: JobStore) -> None:
    for end in ("complete", "fail", "cancel"):
        submit(store)
        job = store.attempts.claim_next(30)
        assert job is not None
        if end == "complete":
            assert store.attempts.mark_completed(job, RESULT, tomorrow())
        elif end == "fail":
            assert store.attempts.mark_failed(job, Reason.ENGINE_FAILURE, FAILURE)
        else:
            store.request_cancel(job.job_id, "ada")
            assert store.attempts.mark_cancelled(job)
        final = store.get(job.job_id)
        assert final.status.final
        assert not store.attempts.mark_completed(job, RESULT, tomorrow())
        assert not store.attempts.mark_failed(job, Reason.ENGINE_FAILURE, FAILURE)
        assert store.request_cancel(job.job_id, "ada") == final
        assert store.get(job.job_id) == final


def test_a_cancelled_job_does_not_complete(store: JobStore) -> None:
    submit(store)
    job = store.attempts.claim_next(30)
    assert job is not None
    asked = store.request_cancel(job.job_id, "ada")
    assert (asked.status, asked.reason, asked.cancel_requested) == (
        Status.RUNNING,
        Reason.CANCELLED_BY_USER,
        True,
    )
    assert store.attempts.cancel_requests([job.job_id]) == {job.job_id}
    assert store.attempts.heartbeat(job, 30).cancel_requested
    assert not store.attempts.mark_completed(job, RESULT, tomorrow())
    assert store.attempts.mark_cancelled(job)
    assert store.get(job.job_id).status is Status.CANCELLED


@pytest.mark.slow
def test_of_many_claimers_each_job_has_one(store: JobStore) -> None:
    made = {submit(store) for _ in range(40)}
    claimed: list[str] = []

    def claim() -> None:
        while (job := store.attempts.claim_next(30)) is not None:
            claimed.append(job.job_id)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(made)


@pytest.mark.slow
@pytest.mark.parametrize("_again", range(20))
def test_of_cancel_and_completion_one_wins(store: JobStore, _again: int) -> None:
    submit(store)
    job = store.attempts.claim_next(30)
    assert job is not None
    done: list[bool] = []
    race = [
        threading.Thread(target=lambda: done.append(store.attempts.mark_completed(job, RESULT, tomorrow()))),
        threading.Thread(target=store.request_cancel, args=(job.job_id, "ada")),
    ]
    for thread in race:
        thread.start()
    for thread in race:
        thread.join()
    record = store.get(job.job_id)
    assert done == [record.status is Status.COMPLETED]
    assert record.cancel_requested is not done[0]


def test_owners_see_their_own(store: JobStore) -> None:
    mine, theirs = submit(store, "ada"), submit(store, "bob")
    assert [job.job_id for job in store.list("ada")[0]] == [mine]
    for attempt in (lambda: store.get(theirs, "ada"), lambda: store.request_cancel(theirs, "ada")):
        with pytest.raises(NotFound):
            attempt()
    assert store.get(theirs).status is Status.PENDING


def test_pages_hold_every_job_once(store: JobStore) -> None:
    made = [submit(store) for _ in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page, cursor = store.list("ada", limit=3, cursor=cursor)
        seen += [job.job_id for job in page]
        if cursor is None:
            break
    assert seen == made[::-1]
    for bad in ("x", "bm90IGpzb24=", "W10=", "WyIyMDI2IiwgIngiXQ=="):
        with pytest.raises(InvalidRequest):
            store.list("ada", cursor=bad)


def test_idempotency_is_per_owner(store: JobStore) -> None:
    def post(owner: str, body: str) -> tuple[str, bool]:
        job, new = store.insert(Submission(owner, REQUEST, idempotency_key="k", body_sha256=body))
        return job.job_id, new

    first = post("ada", "1")
    assert post("ada", "1") == (first[0], False)
    assert post("bob", "2")[1]
    with pytest.raises(Conflict):
        post("ada", "2")


def test_lapsed_leases_and_overdue_hints_are_found(store: JobStore) -> None:
    submit(store)
    job = store.attempts.claim_next(-1)
    assert job is not None
    assert [lapsed.job_id for lapsed in store.maintenance.list_lapsed()] == [job.job_id]
    store.attempts.heartbeat(job, 30)
    assert not store.maintenance.list_lapsed()
    waiting = submit(store)
    assert store.maintenance.claim_undispatched(60) == []
    assert store.maintenance.claim_undispatched(-1) == [waiting]


def test_expiry_keeps_the_record(store: JobStore) -> None:
    submit(store)
    job = store.attempts.claim_next(30)
    assert job is not None
    store.attempts.mark_completed(job, RESULT, datetime.now(UTC) - timedelta(seconds=1))
    (expired,) = store.maintenance.list_expired()
    store.maintenance.mark_deleted(expired)
    assert not store.maintenance.list_expired()
    record = store.get(job.job_id)
    assert (record.status, record.reason, record.result) == (Status.COMPLETED, Reason.EXPIRED, RESULT)
    assert record.destroyed_at is not None


def test_only_a_hash_of_a_token_is_kept(database: Database, tmp_path: Path) -> None:
    tokens = TokenStore(database, academic_days=365)
    token = tokens.create("ada", academic=True)
    assert tokens.verify(token).user == "ada"
    database.close()
    assert token.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_one_users_thousand_jobs_do_not_hold_up_anothers_first(store: JobStore) -> None:
    adas = [submit(store, "ada") for _ in range(6)]
    bobs = [submit(store, "bob") for _ in range(2)]
    expected = [adas[0], bobs[0], adas[1], bobs[1], *adas[2:]]
    assert sorted(adas + bobs, key=lambda job_id: store.get(job_id).queue_position or 0) == expected
    claimed = [store.attempts.claim_next(30) for _ in expected]
    assert [job and job.job_id for job in claimed] == expected


def test_running_jobs_count_as_turns_taken(store: JobStore) -> None:
    adas = [submit(store, "ada") for _ in range(4)]
    assert [(store.attempts.claim_next(30) or store.get("")).job_id for _ in range(2)] == adas[:2]
    bobs = [submit(store, "bob") for _ in range(2)]
    order = [(store.attempts.claim_next(30) or store.get("")).job_id for _ in range(4)]
    assert order == [bobs[0], bobs[1], adas[2], adas[3]]


@pytest.mark.parametrize("at_a_time", [1, 2])
def test_users_take_turns_where_each_job_ends_before_the_next_is_chosen(
    store: JobStore, at_a_time: int
) -> None:
    owners = {submit(store, owner): owner for owner in ["ada"] * 4 + ["eve"] * 4 + ["bob"] * 2}
    seen = {job_id: store.get(job_id).queue_position or 0 for job_id in owners}
    started, running = [], []
    while (job := store.attempts.claim_next(30)) is not None:
        started.append(job.job_id)
        running.append(job)
        if len(running) == at_a_time:
            done = running.pop(0)
            store.attempts.mark_completed(done, RESULT, tomorrow())
    assert [owners[job_id] for job_id in started] == ["ada", "eve", "bob"] * 2 + ["ada", "eve"] * 2
    assert sorted(seen, key=lambda job_id: seen[job_id]) == started, "the position was true from the start"


def test_a_position_counts_the_turn_of_what_is_running(store: JobStore) -> None:
    adas = [submit(store, "ada") for _ in range(3)]
    running = store.attempts.claim_next(30)
    assert running is not None
    bobs = [submit(store, "bob") for _ in range(2)]
    expected = [bobs[0], adas[1], bobs[1], adas[2]]
    assert [store.get(job_id).queue_position for job_id in expected] == [1, 2, 3, 4]
    started = []
    while running is not None:
        store.attempts.mark_completed(running, RESULT, tomorrow())
        running = store.attempts.claim_next(30)
        started += [running.job_id] if running else []
    assert started == expected


def test_a_user_has_so_many_open_jobs_and_no_more(store: JobStore) -> None:
    submission = Submission("ada", REQUEST)
    for _ in range(3):
        store.insert(submission, max_open=3)
    with pytest.raises(TooManyRequests) as refusal:
        store.insert(submission, max_open=3)
    assert refusal.value.retry_after > 0
    store.insert(Submission("bob", REQUEST), max_open=3)
    job = store.attempts.claim_next(30)
    assert job is not None
    store.attempts.mark_completed(job, RESULT, tomorrow())
    store.insert(submission, max_open=3)


def test_an_outage_does_not_count_as_a_death_and_waits_longer_each_time(
    store: JobStore, database: Database
) -> None:
    job_id = submit(store)
    pauses = []
    for _ in range(4):
        with database.write() as connection:
            connection.execute(update(jobs).values(not_before=None))
        job = store.attempts.claim_next(30)
        assert job is not None
        assert store.attempts.requeue(job, Reason.STORE_UNAVAILABLE, outage=True)
        assert store.attempts.claim_next(30) is None
        with database.read() as connection:
            not_before = connection.execute(select(jobs.c.not_before)).scalar_one()
        pauses.append((not_before - datetime.now(UTC)).total_seconds())
    assert pauses == sorted(pauses)
    assert store.get(job_id).deaths == 0
    assert store.get(job_id).outages == 4


def test_a_claim_is_found_again_by_its_name(store: JobStore) -> None:
    submit(store)
    job = store.attempts.claim_next(30, "host/1/abc")
    assert store.attempts.find_claim("host/1/abc") == job
    assert store.attempts.find_claim("host/1/abd") is None
