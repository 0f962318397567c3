"""Changes by the owner of a job: its label, the retention of its result, a purge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from syndb_service.domain.job_status import Status
from syndb_service.domain.jobs import Job
from syndb_service.store.schema import jobs
from syndb_service.store.transitions import Transitions


class RetentionStore:
    """The updates of label and expiry, and the purge of results."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def change(self, job_id: str, owner: str, changes: Mapping[str, Any]) -> tuple[Job, bool]:
        """Change a job's ``label`` or its result's ``expires_at``; return the job and whether it changed.

        ``expires_at`` can change only while the result is stored.

        Raises
        ------
        NotFound
            If the owner has no job of that id.
        """
        with self._transitions.database.write() as connection:
            self._transitions.fetch(connection, job_id, owner)
            where = [jobs.c.job_id == job_id, jobs.c.owner == owner]
            if "expires_at" in changes:
                where += [jobs.c.status == Status.COMPLETED, jobs.c.destroyed_at.is_(None)]
            changed = connection.execute(
                update(jobs).where(*where).values(version=jobs.c.version + 1, **changes)
            ).rowcount
            job = self._transitions.fetch(connection, job_id)
        if changed:
            self._transitions.notify(job_id)
        return job, bool(changed)

    def purge(self, job_id: str, owner: str) -> tuple[Job, bool]:
        """Mark the result of a completed job as deleted now; return the job and whether that changed it.

        Raises
        ------
        NotFound
            If the owner has no job of that id.
        """
        now = self._transitions.database.now()
        with self._transitions.database.write() as connection:
            self._transitions.fetch(connection, job_id, owner)
            destroyed = self._transitions.destroy(
                connection, job_id, now, jobs.c.owner == owner, expires_at=now
            )
            job = self._transitions.fetch(connection, job_id)
        if destroyed:
            self._transitions.notify(job_id)
        return job, destroyed

    def timestamp_after(self, hours: float) -> datetime:
        """Return the time in ``hours`` hours, by the clock that stamps the rows."""
        return self._transitions.database.now() + timedelta(hours=hours)

    def expiry_range(self, job: Job, hours: float) -> tuple[datetime, datetime]:
        """Return the earliest and the latest expiry of a result: now, and ``hours`` after the job's end."""
        now = self._transitions.database.now()
        return now, (job.finished_at or now) + timedelta(hours=hours)
