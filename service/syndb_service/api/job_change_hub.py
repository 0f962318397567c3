"""Waiting for a job to change: no thread a waiter, no lost change, whichever process makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool

from syndb_service.domain.jobs import Job
from syndb_service.runtime.background import Rounds

POLL_S = 0.065  # with the reads of who comes and goes, 200 waiters cost less than 20 reads a second
ASSURED_S = 1.0
AWAY_S = 0.5


class Listener:
    """One who waits for several jobs at a time."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._woken = asyncio.Event()

    def wake(self, job_id: str) -> None:
        """Note that a job may have changed."""
        self._changed.add(job_id)
        self._woken.set()

    async def wait_for_changes(self, seconds: float) -> set[str]:
        """Wait so long at most; return the jobs that may have changed since the last call."""
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return set()
        changed, self._changed = self._changed, set()
        self._woken.clear()
        return changed


@dataclass(slots=True)
class _Waiter:
    """One job that somebody waits for: the version they know, and whom to wake."""

    seen: int
    listeners: set[Listener] = field(default_factory=set)


class JobChangeHub:
    """Holds requests until the job they ask about has changed.

    Changes made in this process, and those that the database tells of, are told at once
    (:meth:`on_job_changed`). For the rest one task reads the versions of all awaited jobs in one query, only
    while somebody waits: once a second where the database tells, else 15 times.

    Parameters
    ----------
    versions : callable
        Returns the current version of each of the given jobs.
    is_told : callable
        Says whether the database tells of changes now.
    """

    def __init__(
        self,
        versions: Callable[[Collection[str]], Mapping[str, int]],
        is_told: Callable[[], bool] = lambda: False,
    ) -> None:
        self._versions = versions
        self._is_told = is_told
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awaited: dict[str, _Waiter] = {}
        self._poller: asyncio.Task[None] | None = None
        self._rounds = Rounds("version poller", longest_pause_s=AWAY_S)
        self.closed = False

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._rounds.register()

    def close(self) -> None:
        """Send everybody away with what is known."""
        self.closed = True
        self._rounds.unregister()
        for job_id in list(self._awaited):
            self._wake(job_id)

    def on_job_changed(self, job_id: str) -> None:
        """Wake those who wait for this job; callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, job_id)

    async def wait_for_change(
        self, read: Callable[[], Job], version: int, seconds: float, known: Job | None = None
    ) -> Job:
        """Return the job once its version is above ``version``, it is final, or the time is over.

        The waiter is registered before the row is read, so that no change falls in between. With ``known``,
        which an earlier wait returned, the row is read only once its version has changed.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        job: Job = known if known is not None else await run_in_threadpool(read)
        listener = Listener()
        awaited = self._awaited.setdefault(job.job_id, _Waiter(job.version))
        awaited.listeners.add(listener)
        is_read = known is not None and awaited.seen <= job.version
        try:
            while True:
                if not is_read:
                    job = await run_in_threadpool(read)
                is_read = False
                self.note(job, listener)
                left = until - loop.time()
                if job.version > version or job.status.final or left <= 0 or self.closed:
                    return job
                self._keep_polling()
                if not await listener.wait_for_changes(left):
                    return job if known else await run_in_threadpool(read)
        finally:
            self.leave(job.job_id, listener)

    @contextmanager
    def listen(self, job_ids: Collection[str]) -> Iterator[Listener]:
        """Give one who is woken when any of these jobs changes; it is to read them after it has begun."""
        listener = Listener()
        for job_id in job_ids:
            self._awaited.setdefault(job_id, _Waiter(0)).listeners.add(listener)
        self._keep_polling()
        try:
            yield listener
        finally:
            for job_id in job_ids:
                self.leave(job_id, listener)

    def leave(self, job_id: str, listener: Listener) -> None:
        """Wake somebody no more for this job."""
        awaited = self._awaited.get(job_id)
        if awaited is not None:
            awaited.listeners.discard(listener)
            if not awaited.listeners:
                del self._awaited[job_id]

    def note(self, job: Job, reader: Listener) -> None:
        """Tell the others who wait for a job of the version that one of them has just read."""
        awaited = self._awaited.get(job.job_id)
        if awaited is not None and job.version > awaited.seen:
            awaited.seen = job.version
            for listener in awaited.listeners - {reader}:
                listener.wake(job.job_id)

    def _wake(self, job_id: str) -> None:
        awaited = self._awaited.get(job_id)
        for listener in awaited.listeners if awaited else ():
            listener.wake(job_id)

    def _keep_polling(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        lane = CapacityLimiter(1)  # its own thread: waiters are woken though all others are busy
        while True:
            await asyncio.sleep(self._rounds.pause_s)
            with self._rounds.attempt():
                await asyncio.sleep(ASSURED_S if self._is_told() else POLL_S)
                if self.closed or not self._awaited:
                    return
                versions = await to_thread.run_sync(self._versions, list(self._awaited), limiter=lane)
                for job_id, version in versions.items():
                    awaited = self._awaited.get(job_id)
                    if awaited is not None and version > awaited.seen:
                        self._wake(job_id)
