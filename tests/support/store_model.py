"""A model of the job rows that hypothesis plays against the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from sqlalchemy import delete, func, select

from syndb_service.domain.job_status import TRANSITIONS, Kind, Reason, Status
from syndb_service.domain.jobs import Failure, Job, JobRequest, Progress, Result
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.schema import job_events, jobs, submissions

REQUEST = JobRequest(Kind.QUERY, query="SELECT 1")
FAILURE = Failure("engine_failure", "it broke")
OWNERS = ("ada", "bob", "eve")


@dataclass
class Known:
    """What the model believes of one job."""

    owner: str
    status: Status = Status.PENDING
    attempt: int = 0
    deaths: int = 0
    cancel_requested: bool = False
    completed_by: int | None = None


def result_of(job: Job) -> Result:
    return Result(f"{job.job_id}/{job.attempt}", "arrow", 1, 1, (), "00" * 32)


class StoreMachine(RuleBasedStateMachine):
    """Users, workers (some long fenced) and a sweeper, in any order."""

    database: Database
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        with self.database.write() as connection:
            for table in (job_events, submissions, jobs):
                connection.execute(delete(table))
        self.store = JobStore(self.database, lambda job_id: None)
        self.known: dict[str, Known] = {}
        self.moves: dict[str, list[Status]] = {}

    def has(self, job: Job) -> bool:
        known = self.known[job.job_id]
        return known.status is Status.RUNNING and known.attempt == job.attempt

    def moved(self, job_id: str, status: Status) -> None:
        self.known[job_id].status = status
        self.moves[job_id].append(status)

    @rule(owner=st.sampled_from(OWNERS))
    def submit(self, owner: str) -> None:
        job, new = self.store.insert(Submission(owner, REQUEST))
        assert new
        self.known[job.job_id] = Known(owner)
        self.moves[job.job_id] = [Status.PENDING]

    @rule(target=attempts)
    def claim(self) -> Job:
        job = self.store.attempts.claim_next(30)
        pending = {job_id for job_id, known in self.known.items() if known.status is Status.PENDING}
        if job is None:
            assert not pending
            return Job("none", "", REQUEST, Status.PENDING, None, 0, datetime.now(UTC))
        assert job.job_id in pending
        self.known[job.job_id].attempt += 1
        assert job.attempt == self.known[job.job_id].attempt
        self.moved(job.job_id, Status.RUNNING)
        return job

    @rule(job=attempts, tell=st.booleans())
    def beat(self, job: Job, tell: bool) -> None:
        if job.job_id in self.known:
            beat = self.store.attempts.heartbeat(job, 30, Progress("executing", 0.5) if tell else None)
            assert beat.lease_held == self.has(job)
            if beat.lease_held:
                assert beat.cancel_requested == self.known[job.job_id].cancel_requested

    @rule(job=attempts)
    def complete(self, job: Job) -> None:
        if job.job_id in self.known:
            may = self.has(job) and not self.known[job.job_id].cancel_requested
            assert (
                self.store.attempts.mark_completed(job, result_of(job), datetime.now(UTC) + timedelta(days=1))
                == may
            )
            if may:
                self.known[job.job_id].completed_by = job.attempt
                self.moved(job.job_id, Status.COMPLETED)

    @rule(job=attempts)
    def fail(self, job: Job) -> None:
        if job.job_id in self.known:
            may = self.has(job)
            assert self.store.attempts.mark_failed(job, Reason.ENGINE_FAILURE, FAILURE) == may
            if may:
                self.moved(job.job_id, Status.FAILED)

    @rule(job=consumes(attempts), death=st.booleans())
    def requeue(self, job: Job, death: bool) -> None:
        if job.job_id in self.known:
            may = self.has(job) and not self.known[job.job_id].cancel_requested
            assert self.store.attempts.requeue(job, Reason.WORKER_LOST, death=death) == may
            if may:
                self.known[job.job_id].deaths += death
                self.moved(job.job_id, Status.PENDING)

    @rule(job=attempts)
    def confirm_cancel(self, job: Job) -> None:
        if job.job_id in self.known:
            may = self.has(job) and self.known[job.job_id].cancel_requested
            assert self.store.attempts.mark_cancelled(job) == may
            if may:
                self.moved(job.job_id, Status.CANCELLED)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.known:
            return
        job_id = data.draw(st.sampled_from(sorted(self.known)))
        known = self.known[job_id]
        record = self.store.request_cancel(job_id, known.owner)
        if known.status is Status.PENDING:
            known.cancel_requested = True
            self.moved(job_id, Status.CANCELLED)
        elif known.status is Status.RUNNING:
            known.cancel_requested = True
        assert record.status is known.status
        assert record.cancel_requested == known.cancel_requested

    @invariant()
    def the_rows_are_as_known(self) -> None:
        rows = self.store.maintenance.find_existing(list(self.known))
        for job_id, known in self.known.items():
            row = rows[job_id]
            assert (row.status, row.attempt, row.deaths) == (known.status, known.attempt, known.deaths)
            assert (row.result is not None) == (known.completed_by is not None)
            if row.result is not None:
                assert row.result.key == f"{job_id}/{known.completed_by}"

    @invariant()
    def every_move_has_its_event_and_was_allowed(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(select(job_events).order_by(job_events.c.event_id)).all()
        told: dict[str, list[Status]] = {}
        for row in rows:
            told.setdefault(row.job_id, []).append(Status(row.status))
        assert told == self.moves
        for statuses in told.values():
            assert all(after in TRANSITIONS[before] for before, after in pairwise(statuses))

    @invariant()
    def positions_count_the_pending_from_one(self) -> None:
        pending = [job_id for job_id, known in self.known.items() if known.status is Status.PENDING]
        positions = [self.store.get(job_id).queue_position or 0 for job_id in pending]
        assert sorted(positions) == list(range(1, len(pending) + 1))

    @invariant()
    def the_count_of_rows_is_right(self) -> None:
        with self.database.read() as connection:
            assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == len(self.known)
