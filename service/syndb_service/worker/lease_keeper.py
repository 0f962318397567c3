"""The lease of an attempt: extended from the claim until its row is final, whatever the attempt waits for."""

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
"""The longest that one call of a store may take: every request of it has a much shorter limit of its own."""
SILENCE_S: Final = 1200.0
"""The lease of an attempt that has shown no sign of life for so long is left to lapse."""
CLEANUP_S: Final = 2.0
STEP_S: Final = 1.0


class LeaseKeeper:
    """Keeps the lease of an attempt, and knows whether the attempt is to end.

    Parameters
    ----------
    job : Job
        The attempt.
    store : JobStore
        Where its row is.
    lease_s : float
        How long a lease is, in seconds.
    stopping : threading.Event
        Set when this process is to end.
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
        """Extend the lease, with the job's progress where that has changed.

        Returns
        -------
        AbortReason or None
            Why the attempt is to end, if it is.

        Raises
        ------
        TransientError
            If the database is unavailable.
        """
        beat = self._store.attempts.heartbeat(self.job, self._lease_s, progress)
        self.extended_at = time.monotonic()
        if not beat.alive or beat.cancel_requested:
            self.abort_reason = AbortReason.CANCELLED if beat.alive else AbortReason.LEASE_LOST
            self._changed.set()
        return self.abort_reason

    def check_row(self) -> AbortReason | None:
        """Look at once whether the attempt is to end: its owner cancelled the job, or this process ends."""
        if self.abort_reason is None:
            try:
                if self._store.attempts.cancel_requests([self.job.job_id]):
                    self.abort_reason = AbortReason.CANCELLED
            except TransientError as error:
                log.warning("job %s: nobody knows whether it is cancelled: %s", self.job.job_id, error)
        if self.abort_reason is None and self._stopping.is_set():
            self.abort_reason = AbortReason.SHUTDOWN
        return self.abort_reason

    def wake(self) -> None:
        """Have a waiting attempt look whether it is to end."""
        self._changed.set()

    def check(self) -> None:
        """Show a sign of life, and go on unless the attempt is to end.

        Raises
        ------
        AttemptAborted
            If it is.
        """
        self.active_at = time.monotonic()
        if self.abort_reason is None and self._stopping.is_set():
            self.abort_reason = AbortReason.SHUTDOWN
        if self.abort_reason is not None:
            raise AttemptAborted(self.abort_reason)

    def during(self, call: Callable[[], T], undo: Callable[[T], object] = lambda _: None) -> T:
        """Do a call of a store, which may take long, and wait for it as long as the attempt is to go on.

        Parameters
        ----------
        call : callable
            Runs in a thread of its own; its errors are raised here.
        undo : callable
            Given what a call returns that was left behind.

        Raises
        ------
        AttemptAborted
            If the attempt is to end before the call does.
        TransientError
            If the store does not end it in ``CALL_S`` seconds.
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
                        hint="It is tried again; if it stays so, an operator has to look at the store.",
                    )
                if self.check_row() is not None:
                    self.check()
            return work.result()
        except (AttemptAborted, TransientError):
            if not work.leave():
                return work.result()
            self.abandoned = True
            raise

    def clean_up(self, call: Callable[[], object]) -> None:
        """Clean up after an attempt, but let a store that is slow not keep it from ending."""
        work: _Call[object] = _Call(call, lambda _: None, threading.Event())
        work.wait(CLEANUP_S)
        if work.leave():
            log.warning("job %s: its store is slow, and cleans up by and by", self.job.job_id)


class _Call(Generic[T]):
    """A call in a thread of its own, which may be left behind."""

    def __init__(self, call: Callable[[], T], undo: Callable[[T], object], changed: threading.Event) -> None:
        self._call = call
        self._undo = undo
        self._changed = changed
        self._lock = threading.Lock()
        self._ended = False
        self._left = False
        self._value: list[T] = []
        self._error: BaseException | None = None
        try:
            threading.Thread(target=self._run, name="store call", daemon=True).start()
        except RuntimeError:  # no thread can be started: then whoever calls waits
            self._run()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the call, or for any other change; tell whether it has ended."""
        if not self._ended:
            self._changed.wait(max(seconds, 0.0))
            self._changed.clear()
        return self._ended

    def result(self) -> T:
        """Return what the call returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value[0]

    def leave(self) -> bool:
        """Leave the call to its thread, unless it has ended; tell whether it was left."""
        with self._lock:
            self._left = not self._ended
        return self._left

    def _run(self) -> None:
        try:
            self._value.append(self._call())
        except BaseException as error:
            self._error = error
        with self._lock:
            self._ended = True
            left = self._left
        self._changed.set()
        if left and self._value:
            try:
                self._undo(self._value[0])
            except ServiceError as error:
                log.warning("what came too late is left to the sweeper: %s", error.message)


class LeaseRenewer:
    """Extends the leases of this process's attempts, where their own threads have not done so in time.

    Parameters
    ----------
    store : JobStore
        Where the rows are.
    lease_s : float
        How long a lease is, in seconds.
    stopping : threading.Event
        Set when this process is to end.
    """

    def __init__(self, store: JobStore, lease_s: float, stopping: threading.Event) -> None:
        self._store = store
        self._lease_s = lease_s
        self._stopping = stopping
        self._lock = threading.Lock()
        self._held: dict[str, LeaseKeeper] = {}
        self._thread = BackgroundThread("heartbeat", self._step)

    def start(self) -> None:
        """Begin to extend leases."""
        self._thread.start()

    def stop(self) -> None:
        """Extend none any more; attempts still run may lose their jobs."""
        self._thread.stop()

    @contextmanager
    def hold(self, job: Job) -> Iterator[LeaseKeeper]:
        """Extend the lease of an attempt as long as the context lasts."""
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
        """Return the jobs that this process holds."""
        with self._lock:
            return list(self._held)

    def wake(self, job_id: str | None = None) -> None:
        """Have the attempt of a job look whether it is to end; of every job, if none is named."""
        with self._lock:
            woken = [lease for held, lease in self._held.items() if job_id in (None, held)]
        for lease in woken:
            lease.wake()

    def extend_due(self) -> None:
        """Extend every lease that nobody has extended for four tenths of its time."""
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
