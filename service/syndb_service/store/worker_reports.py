"""Reports of workers in the database, and the notes in pending jobs while no worker reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, insert, not_, select, update

from syndb_service.domain.job_status import Status
from syndb_service.domain.jobs import Progress
from syndb_service.store.schema import jobs, tallies
from syndb_service.store.transitions import Transitions

REPORT: Final = "worker_reported_at"
REPORT_S: Final = 1.0
"""Seconds between two reports of a worker."""
SILENT_S: Final = 3.5
"""Seconds without a report after which no worker is assumed to run."""
NO_WORKER: Final = "waiting: no worker is running"
CHUNK: Final = 500


class WorkerReports:
    """The last report of any worker: one row for all workers, written about once a second."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def report_worker(self) -> None:
        """Record that a worker is alive now, unless another worker has just done so."""
        now = round(self._transitions.database.now().timestamp() * 1e6)
        is_report = tallies.c.name == REPORT
        with self._transitions.database.write() as connection:
            before = connection.execute(select(tallies.c.value).where(is_report)).scalar_one_or_none()
            if before is None:
                self._transitions.database.serialize(connection, REPORT)
                before = connection.execute(select(tallies.c.value).where(is_report)).scalar_one_or_none()
            if before is None:
                connection.execute(insert(tallies).values(name=REPORT, value=now))
            elif before < now - round(REPORT_S * 5e5):
                connection.execute(update(tallies).where(is_report, tallies.c.value < now).values(value=now))

    def worker_silence_s(self) -> float | None:
        """Return the seconds since the last report; None if no worker has ever reported.

        Workers of earlier versions don't report. One of them runs if a job was started after the last
        report and its lease is not over.
        """
        now = self._transitions.database.now()
        is_running = and_(jobs.c.status == Status.RUNNING, jobs.c.lease_until > now)
        with self._transitions.database.read() as connection:
            value = connection.execute(select(tallies.c.value).where(tallies.c.name == REPORT)).scalar()
            silence_s: float | None = None if value is None else max(now.timestamp() - value / 1e6, 0.0)
            if silence_s is not None and silence_s < SILENT_S:
                return silence_s
            started_at = connection.execute(select(func.max(jobs.c.started_at)).where(is_running)).scalar()
        if started_at is not None and (
            silence_s is None or started_at > now - timedelta(seconds=silence_s - SILENT_S)
        ):
            return 0.0
        return silence_s

    def note_no_worker(self, since: str, *, keep_broker: bool = False) -> int:
        """Note in pending jobs that no worker is running; return the number of changed records.

        Parameters
        ----------
        since : str
            When a worker last reported.
        keep_broker : bool
            Whether a job that waits for the broker keeps that phase.
        """
        phase = func.coalesce(_phase(), "")
        is_unnoted = not_(phase.startswith(NO_WORKER))
        if keep_broker:
            is_unnoted = and_(is_unnoted, not_(phase.startswith("waiting: the broker")))
        return self._note_phase(is_unnoted, Progress(f"{NO_WORKER} ({since})"))

    def note_worker(self) -> int:
        """Remove the notes of :meth:`note_no_worker` from up to ``CHUNK`` records; return their number."""
        return self._note_phase(func.coalesce(_phase(), "").startswith(NO_WORKER), None)

    def _note_phase(self, where: ColumnElement[bool], progress: Progress | None) -> int:
        pending = and_(jobs.c.status == Status.PENDING, where)
        with self._transitions.database.read() as connection:
            chosen = select(jobs.c.job_id).where(pending).order_by(jobs.c.created_at).limit(CHUNK)
            job_ids = list(connection.execute(chosen).scalars())
        if not job_ids:
            return 0
        values: dict[str, Any] = {"progress": progress and progress.as_dict(), "version": jobs.c.version + 1}
        with self._transitions.database.write() as connection:
            noted = update(jobs).where(pending, jobs.c.job_id.in_(job_ids)).values(**values)
            changed = list(connection.execute(noted.returning(jobs.c.job_id)).scalars())
        for job_id in changed:
            self._transitions.notify(job_id)
        return len(changed)


def _phase() -> ColumnElement[str]:
    phase: ColumnElement[str] = jobs.c.progress["phase"].as_string()
    return phase
