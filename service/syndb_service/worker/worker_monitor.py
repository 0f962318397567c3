"""Worker reports, and the monitor that notes in pending jobs and in readiness when no worker reports."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from syndb_service.errors import TransientError
from syndb_service.runtime.background import BackgroundThread
from syndb_service.store import JobStore
from syndb_service.store.worker_reports import CHUNK, REPORT_S, SILENT_S

log = logging.getLogger(__name__)

CHECK_S: Final = 0.75
GRACE_S: Final = 5.0
"""Seconds in which workers must report again after an outage of the database or a sleep of the machine."""
MAX_CHUNKS: Final = 20
"""Maximum number of chunks of pending jobs that one round updates."""


class Reports(Protocol):
    """The destination of worker reports: the database, or the memory of this process."""

    def report_worker(self) -> None:
        """Record that a worker is alive now."""

    def worker_silence_s(self) -> float | None:
        """Return the seconds since the last report; None if no worker has ever reported."""


class LocalReports:
    """Reports of a worker to an API in the same process, held in memory."""

    def __init__(self) -> None:
        self._reported_at: float | None = None

    def report_worker(self) -> None:
        """Record that a worker is alive now."""
        self._reported_at = time.monotonic()

    def worker_silence_s(self) -> float | None:
        """Return the seconds since the last report; None if no worker has ever reported."""
        return None if self._reported_at is None else time.monotonic() - self._reported_at


class WorkerReporter:
    """A thread that reports a worker as long as it claims jobs.

    Parameters
    ----------
    reports : Reports
        Where to report.
    is_alive : callable
        Returns whether the worker claims jobs.
    """

    def __init__(self, reports: Reports, is_alive: Callable[[], bool]) -> None:
        self._reports = reports
        self._is_alive = is_alive
        self._thread = BackgroundThread("worker reporter", self._step)

    def start(self) -> None:
        """Report once, and start to report periodically."""
        self.report()
        self._thread.start()

    def stop(self) -> None:
        """Stop reporting."""
        self._thread.stop()

    def report(self) -> None:
        """Report once; if the database is unavailable, log that and leave it to the next report."""
        try:
            if self._is_alive():
                self._reports.report_worker()
        except TransientError as error:
            log.warning("this worker can't report: %s", error.message)

    def _step(self) -> None:
        if not self._thread.wait(REPORT_S):
            self.report()


class WorkerMonitor:
    """A thread that checks whether any worker reports; if none does, it notes that in the pending jobs.

    Parameters
    ----------
    store : JobStore
        The store of the pending jobs.
    reports : Reports
        The reports of the workers.
    check_broker : callable
        Raises `TransientError` if the broker is unavailable: then jobs that wait for it keep that phase.
    clock : callable
        Seconds of a monotonic clock.
    """

    def __init__(
        self,
        store: JobStore,
        reports: Reports,
        check_broker: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._check_broker = check_broker
        self._reports = reports
        self._clock = clock
        self._watched_since = self._checked_at = clock()
        self._grace_s = SILENT_S
        self._is_noted = True
        self._problem: str | None = None
        self._thread = BackgroundThread("worker monitor", self._step)

    def start(self) -> None:
        """Start to check."""
        self._restart_grace(SILENT_S)
        self._thread.start()

    def stop(self) -> None:
        """Stop checking."""
        self._thread.stop()

    def check_workers(self) -> None:
        """Check once.

        Raises
        ------
        TransientError
            If the database is unavailable.
        """
        if self._clock() - self._checked_at > GRACE_S:
            self._restart_grace(GRACE_S)
        try:
            silence_s = self._reports.worker_silence_s()
            watched_s = self._clock() - self._watched_since
            self._checked_at = self._clock()
            if watched_s >= self._grace_s and (silence_s is None or silence_s >= SILENT_S):
                self._report_change(silence_s)
            elif silence_s is not None and silence_s < SILENT_S:
                self._clear_change()
        except TransientError:
            self._restart_grace(GRACE_S)
            raise

    def check(self) -> None:
        """Require that a worker reports.

        Raises
        ------
        TransientError
            If none does; the message contains for how long.
        """
        if self._problem is not None:
            raise TransientError(self._problem, code="no_worker", hint="Start `syndb-lab worker`.")

    def _report_change(self, silence_s: float | None) -> None:
        if self._problem is None:
            log.error("no worker reports: submitted jobs stay pending until one does")

        if silence_s is None:
            self._problem, since = "no worker has reported yet", "none has reported yet"
        else:
            self._problem = f"no worker has reported for {silence_s:,.0f} s"
            since = f"last report {datetime.now(UTC) - timedelta(seconds=silence_s):%Y-%m-%d %H:%M:%S} UTC"
        self._is_noted = True
        keep_broker = self._is_broker_unavailable()
        for _ in range(MAX_CHUNKS):
            if self._store.worker_reports.note_no_worker(since, keep_broker=keep_broker) < CHUNK:
                break

    def _is_broker_unavailable(self) -> bool:
        try:
            self._check_broker()
        except TransientError:
            return True
        return False

    def _clear_change(self) -> None:
        if self._problem is not None:
            log.warning("a worker reports again")
        self._problem = None
        if self._is_noted:
            for _ in range(MAX_CHUNKS):
                if self._store.worker_reports.note_worker() < CHUNK:
                    self._is_noted = False
                    break

    def _restart_grace(self, grace_s: float) -> None:
        self._watched_since = self._checked_at = self._clock()
        self._grace_s = grace_s

    def _step(self) -> None:
        if not self._thread.wait(CHECK_S):
            self.check_workers()
