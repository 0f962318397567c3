"""Whether any worker is alive: workers report, and the API tells waiting jobs and readiness if none does."""

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

LOOK_S: Final = 0.75
GRACE_S: Final = 5.0
"""After an outage of the database, or a sleep of this computer, workers have so long to report again."""
CHUNKS: Final = 20
"""Chunks of pending jobs that are told in one round."""


class Reports(Protocol):
    """Where workers report."""

    def report_worker(self) -> None:
        """Note that a worker is alive."""

    def worker_silence_s(self) -> float | None:
        """Return for how many seconds none has reported; None if none ever did."""


class LocalReports:
    """Reports of a worker to an API in the same process: nothing is written anywhere."""

    def __init__(self) -> None:
        self._reported_at: float | None = None

    def report_worker(self) -> None:
        """Note that a worker is alive."""
        self._reported_at = time.monotonic()

    def worker_silence_s(self) -> float | None:
        """Return for how many seconds none has reported; None if none ever did."""
        return None if self._reported_at is None else time.monotonic() - self._reported_at


class WorkerReporter:
    """Reports a worker for as long as it takes jobs.

    Parameters
    ----------
    reports : Reports
        Where it reports.
    is_alive : callable
        Tells whether it takes jobs.
    """

    def __init__(self, reports: Reports, is_alive: Callable[[], bool]) -> None:
        self._reports = reports
        self._is_alive = is_alive
        self._thread = BackgroundThread("worker reporter", self._step)

    def start(self) -> None:
        """Begin to report."""
        self.report()
        self._thread.start()

    def stop(self) -> None:
        """Report no more."""
        self._thread.stop()

    def report(self) -> None:
        """Report once; a database that is unavailable is told again a second later."""
        try:
            if self._is_alive():
                self._reports.report_worker()
        except TransientError as error:
            log.warning("this worker can't report: %s", error.message)

    def _step(self) -> None:
        if not self._thread.wait(REPORT_S):
            self.report()


class WorkerMonitor:
    """Looks whether any worker reports, and tells pending jobs and readiness if none does.

    Parameters
    ----------
    store : JobStore
        Where the pending jobs are.
    reports : Reports
        Where the workers report.
    ask_broker : callable
        Raises where the broker is unavailable: then that is what a job waits for, where it says so.
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self,
        store: JobStore,
        reports: Reports,
        ask_broker: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ask_broker = ask_broker
        self._reports = reports
        self._clock = clock
        self._watched_since = self._looked_at = clock()
        self._grace_s = SILENT_S
        self._is_told = True
        self._trouble: str | None = None
        self._thread = BackgroundThread("worker monitor", self._step)

    def start(self) -> None:
        """Begin to look."""
        self._begin_anew(SILENT_S)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._thread.stop()

    def check_workers(self) -> None:
        """Look once.

        Raises
        ------
        TransientError
            If the database is unavailable.
        """
        if self._clock() - self._looked_at > GRACE_S:
            self._begin_anew(GRACE_S)
        try:
            silence_s = self._reports.worker_silence_s()
            watched_s = self._clock() - self._watched_since
            self._looked_at = self._clock()
            if watched_s >= self._grace_s and (silence_s is None or silence_s >= SILENT_S):
                self._report_change(silence_s)
            elif silence_s is not None and silence_s < SILENT_S:
                self._take_back()
        except TransientError:
            self._begin_anew(GRACE_S)
            raise

    def check(self) -> None:
        """Return unless no worker reports.

        Raises
        ------
        TransientError
            Saying for how long none has.
        """
        if self._trouble is not None:
            raise TransientError(self._trouble, code="no_worker", hint="Start `syndb-lab worker`.")

    def _report_change(self, silence_s: float | None) -> None:
        if self._trouble is None:
            log.error("no worker reports: jobs are taken, and wait for one")
        if silence_s is None:
            self._trouble, since = "no worker has reported yet", "none has reported yet"
        else:
            self._trouble = f"no worker has reported for {silence_s:,.0f} s"
            since = f"last report {datetime.now(UTC) - timedelta(seconds=silence_s):%Y-%m-%d %H:%M:%S} UTC"
        self._is_told = True
        keep_broker = self._is_broker_unavailable()
        for _ in range(CHUNKS):
            if self._store.worker_reports.note_no_worker(since, keep_broker=keep_broker) < CHUNK:
                break

    def _is_broker_unavailable(self) -> bool:
        try:
            self._ask_broker()
        except TransientError:
            return True
        return False

    def _take_back(self) -> None:
        if self._trouble is not None:
            log.warning("a worker reports again")
        self._trouble = None
        if self._is_told:
            for _ in range(CHUNKS):
                if self._store.worker_reports.note_worker() < CHUNK:
                    self._is_told = False
                    break

    def _begin_anew(self, grace_s: float) -> None:
        self._watched_since = self._looked_at = self._clock()
        self._grace_s = grace_s

    def _step(self) -> None:
        if not self._thread.wait(LOOK_S):
            self.check_workers()
