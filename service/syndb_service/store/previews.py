"""Previews: the first rows of a result beside its row, so that any process can show them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, or_, select, update

from syndb_service.domain.job_status import Status
from syndb_service.domain.jobs import Job
from syndb_service.store.schema import jobs, previews
from syndb_service.store.transitions import Transitions, of_attempt


class PreviewStore:
    """Keeps one preview a job; it goes when the attempt fails or the result is destroyed."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def put_preview(self, job: Job, data: bytes) -> bool:
        """Keep the first rows that an attempt gave, and what they were read from.

        False if the attempt no longer has the job.
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
        """Return the first rows of a running or a kept result; None if there are none."""
        return self.several_previews([job_id]).get(job_id)

    def several_previews(self, job_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the first rows of these results, by job id, in one read; of some there may be none."""
        kept = or_(jobs.c.status == Status.RUNNING, jobs.c.status == Status.COMPLETED)
        statement = (
            select(previews.c.job_id, previews.c.data)
            .join(jobs, jobs.c.job_id == previews.c.job_id)
            .where(
                previews.c.job_id.in_(list(job_ids)),
                previews.c.attempt == jobs.c.attempt,
                kept,
                jobs.c.destroyed_at.is_(None),
            )
        )
        with self._transitions.database.read() as connection:
            return {row.job_id: row.data for row in connection.execute(statement)}
