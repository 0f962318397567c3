"""The job store: insert, read, list and cancel jobs; it holds the stores for workers and maintenance."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job, JobRequest
from syndb_service.errors import Conflict, TooManyRequests
from syndb_service.store.attempts import AttemptStore
from syndb_service.store.database import Database
from syndb_service.store.job_tallies import Tallying
from syndb_service.store.maintenance import MaintenanceStore
from syndb_service.store.pagination import read_cursor, write_cursor
from syndb_service.store.previews import PreviewStore
from syndb_service.store.retention import RetentionStore
from syndb_service.store.schema import jobs, submissions
from syndb_service.store.transitions import Transitions, of_attempt, record_event
from syndb_service.store.worker_reports import WorkerReports


@dataclass(frozen=True, slots=True)
class Submission:
    """A job to insert.

    A repeated submission with the same ``idempotency_key`` and ``body_sha256`` is the same job.
    """

    owner: str
    request: JobRequest
    label: str | None = None
    rerun_of: str | None = None
    idempotency_key: str | None = None
    body_sha256: str = ""


class JobStore:
    """The jobs as users see them; its attributes are the stores for other purposes.

    Parameters
    ----------
    database : Database
        The database of the rows.
    notify : callable
        Called with a job's id after each committed change of its record.

    Attributes
    ----------
    attempts : AttemptStore
        For workers: claim, heartbeat, the end of an attempt.
    maintenance : MaintenanceStore
        For the sweeper and the scrubber.
    retention : RetentionStore
        For owners: label, expiry, purge.
    previews : PreviewStore
        The first rows of results.
    tallies : Tallying
        Counts of ended jobs.
    worker_reports : WorkerReports
        The last report of any worker.
    """

    def __init__(self, database: Database, notify: Callable[[str], None]) -> None:
        self._transitions = Transitions(database, notify)
        self.attempts = AttemptStore(self._transitions)
        self.maintenance = MaintenanceStore(self._transitions)
        self.retention = RetentionStore(self._transitions)
        self.previews = PreviewStore(self._transitions)
        self.tallies = Tallying(self._transitions)
        self.worker_reports = WorkerReports(self._transitions)

    def insert(self, submission: Submission, max_open: int | None = None) -> tuple[Job, bool]:
        """Insert a pending job; return it, and whether it is new.

        Raises
        ------
        Conflict
            If the idempotency key was used with another body.
        TooManyRequests
            If the owner has ``max_open`` jobs that are not final.
        """
        job_id = str(uuid.uuid4())
        now = self._transitions.database.now()
        with self._transitions.database.write() as connection:
            self._transitions.database.serialize(connection, f"submit {submission.owner}")
            earlier = self._earlier(connection, submission)
            if earlier is not None:
                return earlier, False
            if max_open is not None:
                self._require_below_limit(connection, submission.owner, max_open)
            connection.execute(
                insert(jobs).values(
                    job_id=job_id,
                    owner=submission.owner,
                    kind=submission.request.kind,
                    status=Status.PENDING,
                    reason=Reason.QUEUED,
                    version=1,
                    label=submission.label,
                    request=submission.request.as_dict(),
                    rerun_of=submission.rerun_of,
                    created_at=now,
                    attempt=0,
                    deaths=0,
                    outages=0,
                    cancel_requested=False,
                    hinted_at=now,
                )
            )
            record_event(connection, job_id, now)
            if submission.idempotency_key is not None:
                connection.execute(
                    insert(submissions).values(
                        owner=submission.owner,
                        idempotency_key=submission.idempotency_key,
                        body_sha256=submission.body_sha256,
                        job_id=job_id,
                    )
                )
        self._transitions.notify(job_id)
        return self.get(job_id), True

    def find_by_idempotency_key(self, submission: Submission) -> Job | None:
        """Return the earlier job with the same idempotency key; None if there is none.

        Raises
        ------
        Conflict
            If the key was used with another body.
        """
        if submission.idempotency_key is None:
            return None
        with self._transitions.database.read() as connection:
            return self._earlier(connection, submission)

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """Return a job.

        Raises
        ------
        NotFound
            If there is none of that id, or if ``owner`` is given and does not own it.
        """
        with self._transitions.database.read() as connection:
            return self._transitions.fetch(connection, job_id, owner)

    def several(self, job_ids: Collection[str], owner: str) -> dict[str, Job]:
        """Return those of these jobs that are the owner's, in one read."""
        mine = select(jobs).where(jobs.c.job_id.in_(list(job_ids)), jobs.c.owner == owner)
        with self._transitions.database.read() as connection:
            found = self._transitions.with_position(connection, connection.execute(mine).all())
        return {job.job_id: job for job in found}

    def list(
        self,
        owner: str,
        *,
        statuses: Collection[Status] = (),
        kind: Kind | None = None,
        label: str | None = None,
        created_after: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """Return a page of an owner's jobs, newest first, and the cursor of the next page.

        A page ends early where its queries and their values have more than ``PAGE_BYTES``.

        Raises
        ------
        InvalidRequest
            If the cursor was not written by this service.
        """
        where: list[ColumnElement[bool]] = [jobs.c.owner == owner]
        if statuses:
            where.append(jobs.c.status.in_(list(statuses)))
        if kind is not None:
            where.append(jobs.c.kind == kind)
        if label is not None:
            where.append(jobs.c.label == label)
        if created_after is not None:
            where.append(jobs.c.created_at > created_after)
        if cursor is not None:
            created_at, job_id = read_cursor(cursor)
            same_time = and_(jobs.c.created_at == created_at, jobs.c.job_id < job_id)
            where.append(or_(jobs.c.created_at < created_at, same_time))
        order = (jobs.c.created_at.desc(), jobs.c.job_id.desc())
        with (
            self._transitions.database.snapshot() as connection
        ):  # a cursor of PostgreSQL needs a transaction
            found = select(jobs).where(*where).order_by(*order).limit(limit + 1)
            rows, has_more = _page(
                connection.execute(found, execution_options={"yield_per": ROWS_PER_FETCH}), limit
            )
            page = self._transitions.with_position(connection, rows)
        return page, write_cursor(page[-1]) if has_more else None

    def versions(self, job_ids: Iterable[str]) -> dict[str, int]:
        """Return the current version of each of these jobs, in one read."""
        with self._transitions.database.read() as connection:
            rows = connection.execute(
                select(jobs.c.job_id, jobs.c.version).where(jobs.c.job_id.in_(list(job_ids)))
            ).all()
        return {row.job_id: row.version for row in rows}

    def request_cancel(self, job_id: str, owner: str) -> Job:
        """Cancel a pending job at once, request the cancel of a running one; leave a final one unchanged."""
        while True:
            now = self._transitions.database.now()
            with self._transitions.database.write() as connection:
                job = self._transitions.fetch(connection, job_id, owner)
                if job.status.final or job.cancel_requested:
                    return job
                changed = self._cancel(connection, job, now)
                if changed:
                    job = self._transitions.fetch(connection, job_id)
            if changed:
                self._transitions.notify(job_id)
                return job

    def _cancel(self, connection: Connection, job: Job, now: datetime) -> bool:
        """Cancel a job in the status that was read; return False if it was claimed or requeued since."""
        if job.status is Status.PENDING:
            return self._transitions.transition(
                connection,
                job.job_id,
                Status.PENDING,
                Status.CANCELLED,
                timestamp=now,
                reason=Reason.CANCELLED_BY_USER,
                cancel_requested=True,
                finished_at=now,
            )
        request = (
            update(jobs)
            .where(of_attempt(job))
            .values(cancel_requested=True, reason=Reason.CANCELLED_BY_USER, version=jobs.c.version + 1)
        )
        return bool(connection.execute(request).rowcount)

    def _earlier(self, connection: Connection, submission: Submission) -> Job | None:
        if submission.idempotency_key is None:
            return None
        row = connection.execute(
            select(submissions).where(
                submissions.c.owner == submission.owner,
                submissions.c.idempotency_key == submission.idempotency_key,
            )
        ).one_or_none()
        if row is None:
            return None
        if row.body_sha256 != submission.body_sha256:
            raise Conflict(
                "this Idempotency-Key was used with another body",
                code="idempotency_conflict",
                hint="Send a new key with a new request; the same key only with the same request.",
            )
        return self._transitions.fetch(connection, row.job_id)

    def _require_below_limit(self, connection: Connection, owner: str, max_open: int) -> None:
        open_jobs = select(func.count()).where(
            jobs.c.owner == owner, jobs.c.status.in_([Status.PENDING, Status.RUNNING])
        )
        count = connection.execute(open_jobs).scalar_one()
        if count >= max_open:
            raise TooManyRequests(
                f"you have {count:,} jobs that are not finished; at most {max_open:,} are taken",
                hint="Wait for some of them, or cancel those you no longer need.",
                code="too_many_open_jobs",
                retry_after=RETRY_AFTER_S,
            )


def _page(found: Iterable[Row[Any]], limit: int) -> tuple[list[Row[Any]], bool]:
    """Return the rows of a page, and whether there are more."""
    rows: list[Row[Any]] = []
    size = 0
    for row in found:
        if len(rows) == limit or size > PAGE_BYTES:
            return rows, True
        rows.append(row)
        size += len(json.dumps([row.request.get("query"), row.request.get("parameters")]))
    return rows, False


PAGE_BYTES: Final = 4 * 1024**2
ROWS_PER_FETCH: Final = 10
RETRY_AFTER_S = 10
