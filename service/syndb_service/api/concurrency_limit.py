"""Taking turns: of what one user submits at a time only some holds threads, and the rest waits without.

Threads that wait for a check are their own: however many users submit what is slow to check, the threads that
answer everything else stay free.
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

AT_A_TIME: Final = 4
"""One user never has all processes that check SQL; more requests may be at the database meanwhile."""
WAITING: Final = 100
PATIENCE_S: Final = 10.0
THREADS: Final = 128
"""So many submissions of all users are worked on at a time: most of them wait for a check."""

T = TypeVar("T")


@dataclass(slots=True)
class _Queue:
    free: asyncio.Semaphore
    wanted: int = field(default=0)


class UserConcurrencyLimit:
    """Lets so many requests of one user through at a time, while those of others pass by.

    Parameters
    ----------
    at_a_time : int
        Requests of one user that may be worked on.
    waiting : int
        How many more may wait; a further one is refused.
    patience_s : float
        Seconds after which one that waits is refused.
    threads : int
        How many requests of all users may be worked on.
    """

    def __init__(
        self,
        at_a_time: int = AT_A_TIME,
        waiting: int = WAITING,
        patience_s: float = PATIENCE_S,
        threads: int = THREADS,
    ) -> None:
        self._free = asyncio.Semaphore(threads)
        self._threads = CapacityLimiter(threads)
        self._at_a_time = at_a_time
        self._waiting = waiting
        self._patience_s = patience_s
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def acquire(self, user: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it.

        Raises
        ------
        TooManyRequests
            If too many wait already, or those before it took too long.
        """
        queue = self._queues.setdefault(user, _Queue(asyncio.Semaphore(self._at_a_time)))
        if queue.wanted >= self._at_a_time + self._waiting:
            raise TooManyRequests(
                f"{queue.wanted:,} submissions of yours are being checked",
                hint="Send the next one when some are answered.",
                code="rate_limited",
                retry_after=1,
            )
        queue.wanted += 1
        try:
            try:
                await asyncio.wait_for(queue.free.acquire(), self._patience_s)
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
            queue.wanted -= 1
            if not queue.wanted:
                self._queues.pop(user, None)

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work of a submission in a thread that serves nothing else.

        Raises
        ------
        TransientError
            If all of these threads are busy for long.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), self._patience_s)
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
    turns: UserConcurrencyLimit = request.app.state.turns
    async with turns.acquire(caller.user):
        yield turns


IN_TURN: Final = Depends(_limit_concurrency)
InTurn = Annotated[UserConcurrencyLimit, IN_TURN]
"""What routes that check SQL, or count connections, do their work with."""
