"""The rows as the sweeper and the scrubber use them: lapsed leases, job messages due, expired results."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import and_, insert, or_, select, update

from syndb_service.domain.job_status import Reason, Status
from syndb_service.domain.jobs import Job, Result
from syndb_service.store.schema import job_of, jobs, tallies
from syndb_service.store.transitions import Transitions, lease_over

CHUNK = 500


@dataclass(frozen=True, slots=True)
class OwnedFiles:
    """The files that belong to a job: its result, and the files that its running attempt writes."""

    result: str | None
    running: str | None

    def owns(self, key: str) -> bool:
        """Return whether a file belongs to the job."""
        return key == self.result or (self.running is not None and key.partition(".")[0] == self.running)


def in_batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield the items in lists of at most ``size``."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


class MaintenanceStore:
    """The queries and updates of periodic maintenance."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def list_lapsed(self) -> Sequence[Job]:
        """Return the running jobs whose lease is over."""
        return self._transitions.select_jobs(lease_over(self._transitions.database.now()))

    def list_running(self) -> Sequence[Job]:
        """Return every running job."""
        return self._transitions.select_jobs(jobs.c.status == Status.RUNNING)

    def list_expired(self) -> Sequence[Job]:
        """Return the jobs whose result has expired; only completed jobs have an expiry."""
        return self._transitions.select_jobs(
            and_(
                jobs.c.destroyed_at.is_(None),
                jobs.c.expires_at <= self._transitions.database.now(),
            )
        )

    def mark_deleted(self, job: Job) -> bool:
        """Mark an expired result as deleted: after this no reader opens its file, so it can be deleted.

        Return False if its owner has extended it since it was listed, or another sweep was faster.
        """
        now = self._transitions.database.now()
        with self._transitions.database.write() as connection:
            destroyed = self._transitions.destroy(connection, job.job_id, now, jobs.c.expires_at <= now)
        if destroyed:
            self._transitions.notify(job.job_id)
        return destroyed

    def note_file(self, job_id: str, key: str, reason: Reason | None) -> bool:
        """Write the state of a result's file into the row: damaged, lost, or None if it is intact.

        Return False if the row has that state already, or the job no longer has this result.
        """
        where = and_(
            jobs.c.job_id == job_id,
            jobs.c.status == Status.COMPLETED,
            jobs.c.destroyed_at.is_(None),
            jobs.c.result["key"].as_string() == key,
            jobs.c.reason.is_distinct_from(reason),
        )
        with self._transitions.database.write() as connection:
            noted = connection.execute(
                update(jobs).where(where).values(reason=reason, version=jobs.c.version + 1)
            ).rowcount
        if noted:
            self._transitions.notify(job_id)
        return bool(noted)

    def note_state(self, job_id: str, result: Result) -> None:
        """Write the store's state of a result's file into the row, after the file was found intact.

        Keys that a newer version of the service has added to the stored result are kept.
        """
        where = (
            jobs.c.job_id == job_id,
            jobs.c.destroyed_at.is_(None),
            jobs.c.result["key"].as_string() == result.key,
        )
        with self._transitions.database.write() as connection:
            stored = connection.execute(select(jobs.c.result).where(*where).with_for_update()).scalar()
            if stored is not None:
                noted = {**stored, **result.as_dict()}
                connection.execute(update(jobs).where(*where).values(result=noted))

    def list_results_after(self, job_id: str, limit: int = CHUNK) -> Sequence[Job]:
        """Return the next jobs with a stored result, in the order of their ids."""
        stored = (jobs.c.status == Status.COMPLETED, jobs.c.destroyed_at.is_(None), jobs.c.job_id > job_id)
        with self._transitions.database.read() as connection:
            rows = connection.execute(select(jobs).where(*stored).order_by(jobs.c.job_id).limit(limit)).all()
        return [job_of(row) for row in rows]

    def claim_scrub(self, every_s: float) -> bool:
        """Claim the next scrub of all results; return True for one worker per ``every_s`` seconds."""
        now = round(self._transitions.database.now().timestamp() * 1e6)
        of_scrub = tallies.c.name == "scrub_claimed_at"
        with self._transitions.database.write() as connection:
            self._transitions.database.serialize(connection, "scrub")
            before = connection.execute(select(tallies.c.value).where(of_scrub)).scalar_one_or_none()
            if before is None:
                connection.execute(insert(tallies).values(name="scrub_claimed_at", value=now))
            elif before > now - round(every_s * 1e6):
                return False
            else:
                connection.execute(update(tallies).where(of_scrub).values(value=now))
        return True

    def count_orphan(self, size: int) -> None:
        """Count an orphan, and its bytes."""
        with self._transitions.database.write() as connection:
            for name, change in (("swept_orphans", 1), ("swept_orphan_bytes", size)):
                connection.execute(
                    update(tallies).where(tallies.c.name == name).values(value=tallies.c.value + change)
                )

    def claim_undispatched(self, older_than_s: float, limit: int = 1000) -> Sequence[str]:
        """Return the oldest pending jobs whose last job message is older than that; mark them as sent now.

        As many messages as one worker can process at a time are enough: each starts the next jobs of the
        queue until none is pending.
        """
        now = self._transitions.database.now()
        due = or_(jobs.c.hinted_at.is_(None), jobs.c.hinted_at < now - timedelta(seconds=older_than_s))
        ready = or_(jobs.c.not_before.is_(None), jobs.c.not_before <= now)
        oldest = (
            select(jobs.c.job_id)
            .where(jobs.c.status == Status.PENDING, due, ready)
            .order_by(jobs.c.created_at)
            .limit(limit)
        )
        with self._transitions.database.write() as connection:
            rows = connection.execute(
                update(jobs)
                .where(jobs.c.job_id.in_(oldest), jobs.c.status == Status.PENDING, due, ready)
                .values(hinted_at=now)
                .returning(jobs.c.job_id)
            ).all()
        return [row.job_id for row in rows]

    def owned_files(self, job_ids: Iterable[str]) -> dict[str, OwnedFiles]:
        """Return the files of those of these jobs that exist; read no other columns."""
        columns = (jobs.c.job_id, jobs.c.status, jobs.c.attempt, jobs.c.result, jobs.c.destroyed_at)
        found: dict[str, OwnedFiles] = {}
        with self._transitions.database.read() as connection:
            for batch in in_batches(job_ids, CHUNK):
                for row in connection.execute(select(*columns).where(jobs.c.job_id.in_(batch))).all():
                    key = row.result["key"] if row.result and row.destroyed_at is None else None
                    running = f"{row.job_id}/{row.attempt}" if row.status == Status.RUNNING else None
                    found[row.job_id] = OwnedFiles(key, running)
        return found

    def find_existing(self, job_ids: Collection[str]) -> dict[str, Job]:
        """Return those of these jobs that exist."""
        return {job.job_id: job for job in self._transitions.select_jobs(jobs.c.job_id.in_(job_ids))}
