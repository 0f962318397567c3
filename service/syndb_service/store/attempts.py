"""The rows as workers use them: claim, heartbeat, final transition. Each write names its attempt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from syndb_service.domain.job_status import Reason, Status
from syndb_service.domain.jobs import Failure, Job, Progress, Result
from syndb_service.store import scheduling
from syndb_service.store.schema import jobs
from syndb_service.store.transitions import Transitions, lease_over, of_attempt


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The answer to a heartbeat; ``lease_held`` is False if the attempt no longer owns the job."""

    lease_held: bool
    cancel_requested: bool


class AttemptStore:
    """The transitions of attempts."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def claim_next(self, lease_s: float, worker: str = "") -> Job | None:
        """Claim the next pending job in fair-share order; return None if there is none.

        Parameters
        ----------
        lease_s : float
            Seconds after which another worker may claim the job, unless a heartbeat extends the lease.
        worker : str
            Name of the claim, by which :meth:`find_claim` finds it.
        """
        while True:
            now = self._transitions.database.now()
            with self._transitions.database.write() as connection:
                job_id = scheduling.next_job(connection, now)
                if job_id is None:
                    return None
                claimed = self._transitions.transition(
                    connection,
                    job_id,
                    Status.PENDING,
                    Status.RUNNING,
                    timestamp=now,
                    guard=or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now),
                    reason=None,
                    attempt=jobs.c.attempt + 1,
                    started_at=now,
                    lease_until=now + timedelta(seconds=lease_s),
                    worker=worker,
                    not_before=None,
                    progress=Progress("starting").as_dict(),
                )
                if claimed:
                    job = self._transitions.fetch(connection, job_id)
            if claimed:
                self._transitions.notify(job_id)
                return job

    def find_claim(self, worker: str) -> Job | None:
        """Return the running job that was claimed under this name; None if there is none."""
        found = self._transitions.select_jobs(and_(jobs.c.status == Status.RUNNING, jobs.c.worker == worker))
        return found[0] if found else None

    def heartbeat(self, job: Job, lease_s: float, progress: Progress | None = None) -> LeaseState:
        """Extend the lease of a running attempt, and write its progress if it has changed."""
        values: dict[str, Any] = {
            "lease_until": self._transitions.database.now() + timedelta(seconds=lease_s)
        }
        if progress is not None:
            values |= {"progress": progress.as_dict(), "version": jobs.c.version + 1}
        with self._transitions.database.write() as connection:
            statement = (
                update(jobs).where(of_attempt(job)).values(**values).returning(jobs.c.cancel_requested)
            )
            row = connection.execute(statement).one_or_none()
        if row is not None and progress is not None:
            self._transitions.notify(job.job_id)
        return LeaseState(
            lease_held=row is not None, cancel_requested=row is not None and row.cancel_requested
        )

    def cancel_requests(self, job_ids: Iterable[str]) -> set[str]:
        """Return which of these jobs have a cancel request, in one read."""
        with self._transitions.database.read() as connection:
            rows = connection.execute(
                select(jobs.c.job_id).where(jobs.c.job_id.in_(list(job_ids)), jobs.c.cancel_requested)
            ).all()
        return {row.job_id for row in rows}

    def mark_completed(
        self, job: Job, result: Result, expires_at: datetime, identity: str | None = None
    ) -> bool:
        """Complete a job with a stored result; return False if the attempt lost the job or was cancelled."""
        return self._transitions.finish(
            job,
            Status.COMPLETED,
            None,
            guard=jobs.c.cancel_requested.is_(False),
            result=result.as_dict(),
            datasets=job.datasets,
            identity=identity,
            expires_at=expires_at,
        )

    def find_reusable(self, owner: str, identity: str) -> Job | None:
        """Return the owner's newest job with this identity whose result is stored and intact, or None."""
        found = self._transitions.select_jobs(
            and_(
                jobs.c.owner == owner,
                jobs.c.identity == identity,
                jobs.c.status == Status.COMPLETED,
                jobs.c.destroyed_at.is_(None),
                jobs.c.expires_at > self._transitions.database.now(),
                jobs.c.reason.is_(None),
            )
        )
        return max(found, key=lambda job: job.finished_at or job.created_at, default=None)

    def mark_failed(self, job: Job, reason: Reason, failure: Failure, *, lapsed: bool = False) -> bool:
        """End a running attempt as failed; return False if it no longer owns the job.

        With ``lapsed`` only if its lease is over, as in :meth:`requeue`.
        """
        guard = self._lease_lapsed() if lapsed else None
        return self._transitions.finish(job, Status.FAILED, reason, guard=guard, failure=failure.as_dict())

    def mark_cancelled(self, job: Job, *, lapsed: bool = False) -> bool:
        """End a running attempt as cancelled, after its child has exited; False without a cancel request.

        With ``lapsed`` only if its lease is over, as in :meth:`requeue`.
        """
        guard: ColumnElement[bool] = jobs.c.cancel_requested.is_(True)
        if lapsed:
            guard = and_(guard, self._lease_lapsed())
        return self._transitions.finish(job, Status.CANCELLED, Reason.CANCELLED_BY_USER, guard=guard)

    def _lease_lapsed(self) -> ColumnElement[bool]:
        return lease_over(self._transitions.database.now())

    def record_broker_outage(self, job_id: str, reason: str | None) -> None:
        """Write into a pending job's record that it waits for the broker; None: remove that."""
        pending = and_(jobs.c.job_id == job_id, jobs.c.status == Status.PENDING)
        with self._transitions.database.read() as connection:
            row = connection.execute(select(jobs.c.version, jobs.c.progress).where(pending)).one_or_none()
        if row is None:
            return
        phase = None if row.progress is None else Progress.from_dict(row.progress).phase
        if phase is not None if reason is not None else not (phase or "").startswith("waiting: the broker"):
            return
        progress = None if reason is None else Progress(f"waiting: {reason}").as_dict()
        unchanged = and_(pending, jobs.c.version == row.version)
        with self._transitions.database.write() as connection:
            connection.execute(
                update(jobs).where(unchanged).values(progress=progress, version=row.version + 1)
            )
        self._transitions.notify(job_id)

    def requeue(
        self,
        job: Job,
        reason: Reason,
        *,
        death: bool = False,
        outage: bool = False,
        lapsed: bool = False,
        waiting: str | None = None,
    ) -> bool:
        """Requeue the job of a running attempt; return False if the attempt lost it or was cancelled.

        Parameters
        ----------
        job : Job
            The attempt that owns it.
        reason : Reason
            Why it is pending again.
        death : bool
            Count a crash of the worker or the child against the job.
        outage : bool
            Count an outage of a dependency: the pause before the next attempt doubles each time, up to
            ``LONGEST_PAUSE_S`` seconds.
        lapsed : bool
            Only if its lease is over: a heartbeat since the job was listed keeps the attempt.
        waiting : str, optional
            What the job waits for; its record shows that until it is claimed.
        """
        now = self._transitions.database.now()
        guard = and_(jobs.c.attempt == job.attempt, jobs.c.cancel_requested.is_(False))
        if lapsed:
            guard = and_(guard, lease_over(now))
        pause = timedelta(seconds=min(2.0**job.outages, LONGEST_PAUSE_S)) if outage else timedelta(0)
        with self._transitions.database.write() as connection:
            moved = self._transitions.transition(
                connection,
                job.job_id,
                Status.RUNNING,
                Status.PENDING,
                timestamp=now,
                guard=guard,
                reason=reason,
                deaths=jobs.c.deaths + int(death),
                outages=jobs.c.outages + int(outage),
                not_before=now + pause if outage else None,
                started_at=None,
                lease_until=None,
                progress=None if waiting is None else Progress(f"waiting: {waiting}").as_dict(),
                hinted_at=now,
            )
        if moved:
            self._transitions.notify(job.job_id)
        return moved


LONGEST_PAUSE_S = 60.0
