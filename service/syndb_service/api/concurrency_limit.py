"""The concurrency limit: how many submissions of one user are processed at a time.

Further ones wait without a thread. Submissions run in a thread pool of their own, so that slow checks of SQL
leave the threads of all other requests free.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from syndb_service.api.dependencies import Caller
from syndb_service.errors import TooManyRequests, TransientError

MAX_ACTIVE: Final = 4
"""Submissions of one user at a time; low enough that no user occupies all processes that check SQL."""
MAX_WAITING: Final = 100
TIMEOUT_S: Final = 10.0
THREADS: Final = 128
"""Submissions of all users at a time; most of these threads wait for a check."""

T = TypeVar("T")


@dataclass(slots=True)
class _Queue:
    free: asyncio.Semaphore
    requests: int = field(default=0)


class UserConcurrencyLimit:
    """A limit on the concurrent submissions of each user, and of all users.

    Parameters
    ----------
    max_active : int
        Submissions of one user that are processed at a time.
    max_waiting : int
        Submissions of one user that may wait beside these; a further one is rejected.
    timeout_s : float
        Seconds after which a waiting submission is rejected.
    threads : int
        Submissions of all users that are processed at a time.
    """

    def __init__(
        self,
        max_active: int = MAX_ACTIVE,
        max_waiting: int = MAX_WAITING,
        timeout_s: float = TIMEOUT_S,
        threads: int = THREADS,
    ) -> None:
        self._free = asyncio.Semaphore(threads)
        self._threads = CapacityLimiter(threads)
        self._max_active = max_active
        self._max_waiting = max_waiting
        self._timeout_s = timeout_s
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def acquire(self, user: str) -> AsyncIterator[None]:
        """Hold one of the user's slots; wait until one is free.

        Raises
        ------
        TooManyRequests
            If ``max_waiting`` submissions wait already, or no slot is free after ``timeout_s`` seconds.
        """
        queue = self._queues.setdefault(user, _Queue(asyncio.Semaphore(self._max_active)))
        if queue.requests >= self._max_active + self._max_waiting:
            raise TooManyRequests(
                f"{queue.requests:,} submissions of yours are being checked",
                hint="Send the next one when some are answered.",
                code="rate_limited",
                retry_after=1,
            )
        queue.requests += 1
        try:
            try:
                await asyncio.wait_for(queue.free.acquire(), self._timeout_s)
            except TimeoutError:
                raise TooManyRequests(
                    "submissions of yours are being checked, and they take long",
                    hint="Send the next one when some are answered.",
                    code="rate_limited",
                    retry_after=1,
                ) from None
            try:
                yield
            finally:
                queue.free.release()
        finally:
            queue.requests -= 1
            if not queue.requests:
                self._queues.pop(user, None)

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread of the pool of submissions.

        Raises
        ------
        TransientError
            If no thread is free after ``timeout_s`` seconds.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), self._timeout_s)
        except TimeoutError:
            raise TransientError(
                "the service is busy checking other queries",
                code="engine_unavailable",
                hint="Try again in a moment.",
            ) from None
        try:
            return await to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._free.release()


async def _limit_concurrency(request: Request, caller: Caller) -> AsyncIterator[UserConcurrencyLimit]:
    limit: UserConcurrencyLimit = request.app.state.concurrency_limit
    async with limit.acquire(caller.user):
        yield limit


CONCURRENCY_LIMIT: Final = Depends(_limit_concurrency)
ConcurrencyLimit = Annotated[UserConcurrencyLimit, CONCURRENCY_LIMIT]
"""The limit for routes that check SQL or count connections; the request holds a slot of its user."""
