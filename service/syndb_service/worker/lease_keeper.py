"""The lease of an attempt: extended from the claim until the row is final, also during long store calls."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from syndb_service.domain.jobs import Job, Progress
from syndb_service.errors import ServiceError, TransientError
from syndb_service.runtime.background import BackgroundThread
from syndb_service.store import JobStore
from syndb_service.worker.attempt_outcome import AbortReason, AttemptAborted

log = logging.getLogger(__name__)

T = TypeVar("T")

CALL_S: Final = 900.0
"""Timeout of one store call; each request of the call has a much shorter timeout."""
SILENCE_S: Final = 1200.0
"""Seconds without activity after which the lease of an attempt is no longer extended."""
CLEANUP_S: Final = 2.0
STEP_S: Final = 1.0


class LeaseKeeper:
    """The lease of one attempt, and the reason to abort that, if there is one.

    Parameters
    ----------
    job : Job
        The attempt.
    store : JobStore
        The store of its row.
    lease_s : float
        Length of a lease, in seconds.
    stopping : threading.Event
        Set when this process shuts down.
    """

    def __init__(self, job: Job, store: JobStore, lease_s: float, stopping: threading.Event) -> None:
        self.job = job
        self.abort_reason: AbortReason | None = None
        self.abandoned = False
        self.extended_at = self.active_at = time.monotonic()
        self._store = store
        self._lease_s = lease_s
        self._stopping = stopping
        self._changed = threading.Event()

    def renew(self, progress: Progress | None = None) -> AbortReason | None:
        """Extend the lease, and write the job's progress if it has changed.

        Returns
        -------
        AbortReason or None
            Reason why the attempt must end; None if it may continue.

        Raises
        ------
        TransientError
            If the database is unavailable.
        """
        state = self._store.attempts.heartbeat(self.job, self._lease_s, progress)
        self.extended_at = time.monotonic()
        if not state.lease_held or state.cancel_requested:
            self.abort_reason = AbortReason.CANCELLED if state.lease_held else AbortReason.LEASE_LOST
            self._changed.set()
        return self.abort_reason

    def check_row(self) -> AbortReason | None:
        """Check at once for a cancel request or a shutdown; return the abort reason, if there is one."""
        if self.abort_reason is None:
            try:
                if self._store.attempts.cancel_requests([self.job.job_id]):
                    self.abort_reason = AbortReason.CANCELLED
            except TransientError as error:
                log.warning("job %s: can't read whether it is cancelled: %s", self.job.job_id, error)
        if self.abort_reason is None and self._stopping.is_set():
            self.abort_reason = AbortReason.SHUTDOWN
        return self.abort_reason

    def wake(self) -> None:
        """Wake a waiting attempt to check whether it must end."""
        self._changed.set()

    def check(self) -> None:
        """Record activity of the attempt.

        Raises
        ------
        AttemptAborted
            If the attempt must end.
        """
        self.active_at = time.monotonic()
        if self.abort_reason is None and self._stopping.is_set():
            self.abort_reason = AbortReason.SHUTDOWN
        if self.abort_reason is not None:
            raise AttemptAborted(self.abort_reason)

    def during(self, call: Callable[[], T], undo: Callable[[T], object] = lambda _: None) -> T:
        """Run a store call, which may be slow, and wait for it until it or the attempt ends.

        Parameters
        ----------
        call : callable
            Runs in its own thread; its errors are raised here.
        undo : callable
            Receives the value of a call that returns after the attempt has ended.

        Raises
        ------
        AttemptAborted
            If the attempt must end before the call returns.
        TransientError
            If the call does not return in ``CALL_S`` seconds.
        """
        self.check()
        work = _Call(call, undo, self._changed)
        until = time.monotonic() + CALL_S
        try:
            while not work.wait(until - time.monotonic()):
                if time.monotonic() >= until:
                    raise TransientError(
                        f"the store has not answered for {CALL_S:g} s",
                        code="store_unavailable",
                        hint="It is tried again; if that does not help, an operator has to check the store.",
                    )
                if self.check_row() is not None:
                    self.check()
            return work.result()
        except (AttemptAborted, TransientError):
            if not work.abandon():
                return work.result()
            self.abandoned = True
            raise

    def clean_up(self, call: Callable[[], object]) -> None:
        """Clean up after an attempt; after ``CLEANUP_S`` seconds, continue without waiting."""
        work: _Call[object] = _Call(call, lambda _: None, threading.Event())
        work.wait(CLEANUP_S)
        if work.abandon():
            log.warning("job %s: the store is slow; the clean-up continues in its thread", self.job.job_id)


class _Call(Generic[T]):
    """A call in its own thread, which the caller may abandon."""

    def __init__(self, call: Callable[[], T], undo: Callable[[T], object], changed: threading.Event) -> None:
        self._call = call
        self._undo = undo
        self._changed = changed
        self._lock = threading.Lock()
        self._ended = False
        self._abandoned = False
        self._value: list[T] = []
        self._error: BaseException | None = None
        try:
            threading.Thread(target=self._run, name="store call", daemon=True).start()
        except RuntimeError:  # no thread can be started: the caller waits
            self._run()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the call or for another change; return whether the call has ended."""
        if not self._ended:
            self._changed.wait(max(seconds, 0.0))
            self._changed.clear()
        return self._ended

    def result(self) -> T:
        """Return the value of the call, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._value[0]

    def abandon(self) -> bool:
        """Abandon the call unless it has ended; return whether it was abandoned."""
        with self._lock:
            self._abandoned = not self._ended
        return self._abandoned

    def _run(self) -> None:
        try:
            self._value.append(self._call())
        except BaseException as error:
            self._error = error
        with self._lock:
            self._ended = True
            abandoned = self._abandoned
        self._changed.set()
        if abandoned and self._value:
            try:
                self._undo(self._value[0])
            except ServiceError as error:
                log.warning("a late result is left to the sweeper: %s", error.message)


class LeaseRenewer:
    """A thread that extends the leases of this process's attempts if their own threads are late.

    Parameters
    ----------
    store : JobStore
        The store of the rows.
    lease_s : float
        Length of a lease, in seconds.
    stopping : threading.Event
        Set when this process shuts down.
    """

    def __init__(self, store: JobStore, lease_s: float, stopping: threading.Event) -> None:
        self._store = store
        self._lease_s = lease_s
        self._stopping = stopping
        self._lock = threading.Lock()
        self._held: dict[str, LeaseKeeper] = {}
        self._thread = BackgroundThread("heartbeat", self._step)

    def start(self) -> None:
        """Start to extend leases."""
        self._thread.start()

    def stop(self) -> None:
        """Stop extending leases; attempts that still run may lose their jobs."""
        self._thread.stop()

    @contextmanager
    def hold(self, job: Job) -> Iterator[LeaseKeeper]:
        """Extend the lease of an attempt until the context ends."""
        lease = LeaseKeeper(job, self._store, self._lease_s, self._stopping)
        with self._lock:
            self._held[job.job_id] = lease
        try:
            yield lease
        finally:
            with self._lock:
                if self._held.get(job.job_id) is lease:
                    del self._held[job.job_id]

    def job_ids(self) -> list[str]:
        """Return the ids of the jobs that this process runs."""
        with self._lock:
            return list(self._held)

    def wake(self, job_id: str | None = None) -> None:
        """Wake the attempt of a job to check whether it must end; None: the attempts of all jobs."""
        with self._lock:
            woken = [lease for held, lease in self._held.items() if job_id in (None, held)]
        for lease in woken:
            lease.wake()

    def extend_due(self) -> None:
        """Extend each lease that was last extended more than 0.4 of its length ago."""
        now = time.monotonic()
        with self._lock:
            held = list(self._held.values())
        for lease in held:
            silent = now - lease.active_at > SILENCE_S
            if silent or lease.abort_reason is not None or now - lease.extended_at < 0.4 * self._lease_s:
                continue
            try:
                lease.renew()
            except TransientError as error:
                log.warning("job %s: no heartbeat: %s", lease.job.job_id, error)

    def _step(self) -> None:
        if not self._thread.wait(min(STEP_S, self._lease_s / 10)):
            self.extend_due()
