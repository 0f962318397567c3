"""Transitions of a job: one guarded UPDATE, and an event row in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, literal, select, update

from syndb_service.domain.job_status import Reason, Status, is_allowed
from syndb_service.domain.jobs import Job
from syndb_service.errors import NotFound
from syndb_service.store import scheduling
from syndb_service.store.database import Database, UtcTimestamp
from syndb_service.store.schema import job_events, job_of, jobs, previews


class Transitions:
    """The writes and reads of job rows that all stores of jobs share.

    Parameters
    ----------
    database : Database
        The database of the rows.
    notify : callable
        Called with a job's id after each committed change of its record.
    """

    def __init__(self, database: Database, notify: Callable[[str], None]) -> None:
        self.database = database
        self.notify = notify

    def transition(
        self,
        connection: Connection,
        job_id: str,
        source: Status,
        target: Status,
        *,
        timestamp: datetime,
        guard: ColumnElement[bool] | None = None,
        **values: Any,
    ) -> bool:
        """Change the status of a job if it is still ``source``; False if another process changed it first."""
        if not is_allowed(source, target):
            raise ValueError(f"the transition from {source} to {target} is not allowed")
        where = [jobs.c.job_id == job_id, jobs.c.status == source]
        if guard is not None:
            where.append(guard)
        changed = connection.execute(
            update(jobs).where(*where).values(status=target, version=jobs.c.version + 1, **values)
        ).rowcount
        if changed:
            record_event(connection, job_id, timestamp)
        if changed and source is Status.RUNNING and target is not Status.COMPLETED:
            connection.execute(delete(previews).where(previews.c.job_id == job_id))
        return bool(changed)

    def destroy(
        self,
        connection: Connection,
        job_id: str,
        timestamp: datetime,
        guard: ColumnElement[bool],
        **values: Any,
    ) -> bool:
        """Mark a result as deleted: after this no reader opens its file; return False if there is none.

        ``guard`` repeats the condition by which the result was selected, which may have changed since.
        """
        where = (
            jobs.c.job_id == job_id,
            jobs.c.status == Status.COMPLETED,
            jobs.c.destroyed_at.is_(None),
            guard,
        )
        values |= {"destroyed_at": timestamp, "reason": Reason.EXPIRED, "version": jobs.c.version + 1}
        destroyed = connection.execute(update(jobs).where(*where).values(**values)).rowcount
        if destroyed:
            connection.execute(delete(previews).where(previews.c.job_id == job_id))
        return bool(destroyed)

    def finish(
        self,
        job: Job,
        target: Status,
        reason: Reason | None,
        guard: ColumnElement[bool] | None = None,
        **values: Any,
    ) -> bool:
        """End a running attempt; return False if it no longer owns the job, or the guard does not hold."""
        attempt = jobs.c.attempt == job.attempt
        now = self.database.now()
        with self.database.write() as connection:
            changed = self.transition(
                connection,
                job.job_id,
                Status.RUNNING,
                target,
                timestamp=now,
                guard=attempt if guard is None else and_(attempt, guard),
                reason=reason,
                finished_at=now,
                lease_until=None,
                progress=None,
                **values,
            )
        if changed:
            self.notify(job.job_id)
        return changed

    def fetch(self, connection: Connection, job_id: str, owner: str | None = None) -> Job:
        """Return a job.

        Raises
        ------
        NotFound
            If there is none of that id, or if ``owner`` is given and does not own it.
        """
        where = [jobs.c.job_id == job_id]
        if owner is not None:
            where.append(jobs.c.owner == owner)
        row = connection.execute(select(jobs).where(*where)).one_or_none()
        if row is None:
            raise NotFound(
                f"there is no job {job_id!r} of yours",
                code="job_not_found",
                hint="GET /v1/jobs lists your jobs.",
            )
        return self.with_position(connection, [row])[0]

    def select_jobs(self, where: ColumnElement[bool]) -> Sequence[Job]:
        """Return the jobs for which a condition holds."""
        with self.database.read() as connection:
            return [job_of(row) for row in connection.execute(select(jobs).where(where)).all()]

    def with_position(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
        """Convert rows to jobs; pending jobs get their position in the queue."""
        pending = [row.job_id for row in rows if row.status == Status.PENDING]
        positions = scheduling.positions(connection, pending) if pending else {}
        return [job_of(row, positions.get(row.job_id)) for row in rows]


def of_attempt(job: Job) -> ColumnElement[bool]:
    """Return the condition that an attempt still owns its job."""
    return and_(jobs.c.job_id == job.job_id, jobs.c.status == Status.RUNNING, jobs.c.attempt == job.attempt)


def lease_over(now: datetime) -> ColumnElement[bool]:
    """Return the condition that the lease of a running job is over."""
    return and_(jobs.c.status == Status.RUNNING, jobs.c.lease_until < now)


def record_event(connection: Connection, job_id: str, timestamp: datetime) -> None:
    """Insert an event row with the current status of a job."""
    columns = (jobs.c.job_id, jobs.c.version, jobs.c.attempt, jobs.c.status, jobs.c.reason)
    current = select(*columns, literal(timestamp, UtcTimestamp())).where(jobs.c.job_id == job_id)
    connection.execute(insert(job_events).from_select([*(column.name for column in columns), "at"], current))
