"""An event loop in its own thread, which ends when there is no more work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from syndb_lab.errors import SyndbError

TICK_S: Final = 1.0
JUMP_S: Final = 3.0
JOIN_S: Final = 2.0


class LoopThread:
    """A thread with an event loop that any other thread can wake.

    Parameters
    ----------
    run : callable
        The thread's function; it has to close the loop.
    """

    def __init__(self, run: Callable[[LoopThread], None]) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.wake = asyncio.Event()
        self._thread = threading.Thread(target=run, args=(self,), name="syndb-follow", daemon=True)

    @classmethod
    def start_new(cls, run: Callable[[LoopThread], None]) -> LoopThread:
        """Build a thread and start it.

        Raises
        ------
        SyndbError
            This process has reached its limit of files or threads.
        """
        try:
            loop_thread = cls(run)
            loop_thread._thread.start()
        except (OSError, RuntimeError) as error:
            raise SyndbError(
                f"waiting needs a thread and some files, and this process can have no more ({error})",
                hint="Close what is no longer needed, or raise the limit (`ulimit -n`).",
            ) from error
        return loop_thread

    def call(self) -> None:
        """Wake the loop."""
        self.loop.call_soon_threadsafe(self.wake.set)

    def settle(self) -> None:
        """Wait up to ``JOIN_S`` seconds for the thread to end; return at once in the thread itself."""
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)


async def wait_for_wake(wake: asyncio.Event, since: float) -> bool:
    """Wait for an event, at most ``TICK_S`` seconds; return whether the computer was suspended meanwhile.

    Parameters
    ----------
    wake : asyncio.Event
        The event that ends the wait.
    since : float
        The wall-clock time before the wait, in seconds since 1970: a jump of the clock shows a suspension.
    """
    with suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), TICK_S)
    return time.time() - since > TICK_S + JUMP_S
