"""The change hub: wakes requests that wait for a job, whichever process changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool

from syndb_service.domain.jobs import Job
from syndb_service.runtime.background import Rounds

POLL_S = 0.065  # with the reads at the start and end of each wait, 200 waiters cost under 20 reads a second
NOTIFIED_POLL_S = 1.0
LONGEST_PAUSE_S = 0.5


class Listener:
    """A waiting request, which may wait for several jobs."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._woken = asyncio.Event()

    def wake(self, job_id: str) -> None:
        """Note that a job may have changed."""
        self._changed.add(job_id)
        self._woken.set()

    async def wait_for_changes(self, seconds: float) -> set[str]:
        """Wait at most ``seconds``; return the jobs that may have changed since the last call."""
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return set()
        changed, self._changed = self._changed, set()
        self._woken.clear()
        return changed


@dataclass(slots=True)
class _Waiter:
    """An awaited job: its newest known version, and its listeners."""

    version: int
    listeners: set[Listener] = field(default_factory=set)


class JobChangeHub:
    """Holds requests until their job has changed, without a thread for each.

    Changes of this process, and those of which the database notifies it, wake waiting requests at once
    (:meth:`on_job_changed`). As a fallback, one task reads the versions of all awaited jobs in one query:
    once a second while the database notifies, else 15 times a second; never while no job is awaited.

    Parameters
    ----------
    versions : callable
        Returns the current version of each of the given jobs.
    is_notified : callable
        Returns whether the database notifies this process of changes at present.
    """

    def __init__(
        self,
        versions: Callable[[Collection[str]], Mapping[str, int]],
        is_notified: Callable[[], bool] = lambda: False,
    ) -> None:
        self._versions = versions
        self._is_notified = is_notified
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awaited: dict[str, _Waiter] = {}
        self._poller: asyncio.Task[None] | None = None
        self._rounds = Rounds("version poller", longest_pause_s=LONGEST_PAUSE_S)
        self.closed = False

    def open(self) -> None:
        """Bind to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._rounds.register()

    def close(self) -> None:
        """Wake all waiting requests; each returns its last known record."""
        self.closed = True
        self._rounds.unregister()
        for job_id in list(self._awaited):
            self._wake(job_id)

    def on_job_changed(self, job_id: str) -> None:
        """Wake the listeners of this job; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, job_id)

    async def wait_for_change(
        self, read: Callable[[], Job], version: int, seconds: float, known: Job | None = None
    ) -> Job:
        """Return the job once its version is above ``version``, it is final, or ``seconds`` have passed.

        The listener is registered before the row is read, so that no change is missed in between. With
        ``known``, the record that an earlier wait returned, the row is read only if its version has changed.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        job: Job = known if known is not None else await run_in_threadpool(read)
        listener = Listener()
        awaited = self._awaited.setdefault(job.job_id, _Waiter(job.version))
        awaited.listeners.add(listener)
        is_read = known is not None and awaited.version <= job.version
        try:
            while True:
                if not is_read:
                    job = await run_in_threadpool(read)
                is_read = False
                self.note(job, listener)
                left = deadline - loop.time()
                if job.version > version or job.status.final or left <= 0 or self.closed:
                    return job
                self._keep_polling()
                if not await listener.wait_for_changes(left):
                    return job if known else await run_in_threadpool(read)
        finally:
            self.leave(job.job_id, listener)

    @contextmanager
    def listen(self, job_ids: Collection[str]) -> Iterator[Listener]:
        """Yield a listener that any change of these jobs wakes; read the jobs after it is registered."""
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
        """Remove a listener from this job."""
        awaited = self._awaited.get(job_id)
        if awaited is not None:
            awaited.listeners.discard(listener)
            if not awaited.listeners:
                del self._awaited[job_id]

    def note(self, job: Job, reader: Listener) -> None:
        """Wake the other listeners of a job if ``reader`` has read a newer version than they know."""
        awaited = self._awaited.get(job.job_id)
        if awaited is not None and job.version > awaited.version:
            awaited.version = job.version
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
        limiter = CapacityLimiter(1)  # a thread of its own: polling goes on while the thread pool is busy
        while True:
            await asyncio.sleep(self._rounds.pause_s)
            with self._rounds.attempt():
                await asyncio.sleep(NOTIFIED_POLL_S if self._is_notified() else POLL_S)
                if self.closed or not self._awaited:
                    return
                versions = await to_thread.run_sync(self._versions, list(self._awaited), limiter=limiter)
                for job_id, version in versions.items():
                    awaited = self._awaited.get(job_id)
                    if awaited is not None and version > awaited.version:
                        self._wake(job_id)
