"""What its owner may change of a job: its label, and how long its result is kept."""

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
    """Changes what is kept, and destroys it."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def change(self, job_id: str, owner: str, changes: Mapping[str, Any]) -> tuple[Job, bool]:
        """Change a job's ``label`` or its result's ``expires_at``; return it, and whether that was possible.

        A new time of destruction is possible only while there is a result.

        Raises
        ------
        NotFound
            If there is no such job of that owner.
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
        """Mark a completed job's result as destroyed now; return the job, and whether that changed it.

        Raises
        ------
        NotFound
            If there is no such job of that owner.
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
        """Return the moment so many hours from now."""
        return self._transitions.database.now() + timedelta(hours=hours)

    def expiry_range(self, job: Job, hours: float) -> tuple[datetime, datetime]:
        """Return the moments between which a result may be destroyed: now, and the maximum after the end."""
        now = self._transitions.database.now()
        return now, (job.finished_at or now) + timedelta(hours=hours)
