"""Previews: the first rows of results, stored in the database so that every process can read them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, or_, select, update

from syndb_service.domain.job_status import Status
from syndb_service.domain.jobs import Job
from syndb_service.store.schema import jobs, previews
from syndb_service.store.transitions import Transitions, of_attempt


class PreviewStore:
    """The preview of each job; it is deleted when the attempt fails or the result is deleted."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def put_preview(self, job: Job, data: bytes) -> bool:
        """Store the preview of an attempt, and the datasets that it was read from.

        Return False if the attempt no longer owns the job.
        """
        with self._transitions.database.write() as connection:
            held = select(jobs.c.job_id).where(of_attempt(job)).with_for_update()
            if connection.execute(held).one_or_none() is None:
                return False
            connection.execute(update(jobs).where(of_attempt(job)).values(datasets=job.datasets))
            connection.execute(delete(previews).where(previews.c.job_id == job.job_id))
            connection.execute(insert(previews).values(job_id=job.job_id, attempt=job.attempt, data=data))
        return True

    def get_preview(self, job_id: str) -> bytes | None:
        """Return the preview of a running job or of a stored result; None if there is none."""
        return self.several_previews([job_id]).get(job_id)

    def several_previews(self, job_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the previews of these jobs by job id, in one read; jobs without one are omitted."""
        readable = or_(jobs.c.status == Status.RUNNING, jobs.c.status == Status.COMPLETED)
        statement = (
            select(previews.c.job_id, previews.c.data)
            .join(jobs, jobs.c.job_id == previews.c.job_id)
            .where(
                previews.c.job_id.in_(list(job_ids)),
                previews.c.attempt == jobs.c.attempt,
                readable,
                jobs.c.destroyed_at.is_(None),
            )
        )
        with self._transitions.database.read() as connection:
            return {row.job_id: row.data for row in connection.execute(statement)}
