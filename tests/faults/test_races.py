"""Races that a storm may miss, forced: between completing the upload and its UPDATE, above all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from syndb_service.broker import JobDispatcher, embedded_broker
from syndb_service.domain.child_task import TaskDone
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job, JobRequest
from syndb_service.errors import TransientError
from syndb_service.results import LocalResultStore
from syndb_service.settings import Settings, load_settings
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade
from syndb_service.worker.attempt_outcome import Succeeded
from syndb_service.worker.finalizer import Finalizer
from syndb_service.worker.sweeper import Sweeper

T = TypeVar("T")
DONE = Succeeded(TaskDone(rows=1, columns=(("n", "int64"),)))


@dataclass
class Room:
    """The parts that meet at the end of an attempt."""

    settings: Settings
    database: Database
    store: JobStore
    results: LocalResultStore
    sweeper: Sweeper

    def attempt(self) -> Job:
        self.store.insert(Submission("ada", JobRequest(Kind.QUERY, query="SELECT 1")))
        job = self.store.attempts.claim_next(30)
        assert job is not None
        return job

    def conclude(self, job: Job, content: bytes, between: Callable[[], None] = lambda: None) -> None:
        """End an attempt with a result; ``between`` happens after the upload and before the UPDATE."""

        def persist(call: Callable[[], T]) -> T:
            if self.results.keys(job.job_id) == [f"{job.job_id}/{job.attempt}"]:
                between()
            return call()

        conclusion = Finalizer(self.settings, self.database, self.store, self.results, persist)
        with self.results.open_writer(job.job_id, job.attempt) as writer:
            writer.write(content)
            conclusion.finalize(job, DONE, writer)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    settings = load_settings(tmp_path)
    database = Database(settings.database)
    upgrade(database)
    store, results = JobStore(database, lambda job_id: None), LocalResultStore(tmp_path / "results")
    yield Room(
        settings,
        database,
        store,
        results,
        Sweeper(settings, store, results, JobDispatcher(embedded_broker())),
    )
    database.close()


def test_an_attempt_that_was_fenced_after_its_upload_leaves_nothing(room: Room) -> None:
    job = room.attempt()
    taken: list[Job] = []

    def another_takes_it() -> None:
        assert room.store.attempts.requeue(job, Reason.WORKER_LOST, death=True)
        other = room.store.attempts.claim_next(30)
        assert other is not None
        taken.append(other)

    room.conclude(job, b"late", another_takes_it)
    record = room.store.get(job.job_id)
    assert (record.status, record.attempt, record.result) == (Status.RUNNING, 2, None)
    assert room.results.keys(job.job_id) == []
    room.conclude(taken[0], b"right")
    record = room.store.get(job.job_id)
    assert record.result is not None
    assert (room.results.path(record.result.key) or Path()).read_bytes() == b"right"


def test_a_cancel_after_the_upload_wins(room: Room) -> None:
    job = room.attempt()
    room.conclude(job, b"late", lambda: room.store.request_cancel(job.job_id, "ada") and None)
    assert room.store.get(job.job_id).status is Status.CANCELLED
    assert room.results.keys(job.job_id) == []


def test_an_update_whose_answer_was_lost_is_found_done(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    job = room.attempt()
    complete = room.store.attempts.mark_completed
    answers = iter([TransientError("the connection broke")])

    def breaks_once(*arguments: object) -> bool:
        done = complete(*arguments)  # type: ignore[arg-type]
        for error in answers:
            raise error
        return done

    monkeypatch.setattr(room.store.attempts, "mark_completed", breaks_once)

    def persist(call: Callable[[], T]) -> T:
        try:
            return call()
        except TransientError:
            return call()

    conclusion = Finalizer(room.settings, room.database, room.store, room.results, persist)
    with room.results.open_writer(job.job_id, job.attempt) as writer:
        writer.write(b"right")
        conclusion.finalize(job, DONE, writer)
    record = room.store.get(job.job_id)
    assert record.status is Status.COMPLETED
    assert record.result is not None
    assert (room.results.path(record.result.key) or Path()).read_bytes() == b"right"


def test_a_crash_between_upload_and_update_leaves_an_orphan_that_is_swept(room: Room) -> None:
    job = room.attempt()

    class Crash(Exception):
        pass

    def crash() -> None:
        raise Crash

    with pytest.raises(Crash):
        room.conclude(job, b"orphan", crash)
    assert room.results.keys(job.job_id) == [f"{job.job_id}/1"]
    room.sweeper.sweep()
    assert room.results.keys(job.job_id) != [], "its attempt may still be alive"
    room.store.attempts.requeue(job, Reason.WORKER_LOST, death=True)
    room.sweeper._next_orphans = 0.0
    room.sweeper.sweep()
    assert room.results.keys(job.job_id) == []


def test_the_files_of_another_database_are_left_alone(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """A worker that was given a database of its own, or an empty one, finds no job for any file."""
    for job_id in map(str, range(3)):
        with room.results.open_writer(job_id, 1) as writer:
            writer.write(b"somebody's")
            writer.finish()
    for _ in range(2):
        room.sweeper._next_orphans = 0.0
        room.sweeper.sweep()
    assert sorted(room.results.jobs()) == ["0", "1", "2"]
    assert caplog.text.count("of 3 jobs that this database does not know") == 1


def test_sweepers_at_once_do_no_harm(room: Room) -> None:
    jobs = [room.attempt() for _ in range(10)]
    for job in jobs:
        room.store.attempts.heartbeat(job, -1)
    sweepers = [
        Sweeper(room.settings, room.store, room.results, JobDispatcher(embedded_broker())) for _ in range(4)
    ]
    threads = [threading.Thread(target=sweeper.sweep) for sweeper in sweepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for job in jobs:
        record = room.store.get(job.job_id)
        assert (record.status, record.deaths) == (Status.PENDING, 1)
