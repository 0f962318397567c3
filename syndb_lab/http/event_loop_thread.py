"""An event loop in a thread of its own, which lives for as long as there is something to do."""

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
    """A thread with an event loop, and what wakes it from any other thread.

    Parameters
    ----------
    run : callable
        What the thread does; it closes the loop.
    """

    def __init__(self, run: Callable[[LoopThread], None]) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.wake = asyncio.Event()
        self._thread = threading.Thread(target=run, args=(self,), name="syndb-follow", daemon=True)

    @classmethod
    def start_new(cls, run: Callable[[LoopThread], None]) -> LoopThread:
        """Start one.

        Raises
        ------
        SyndbError
            This process may open no more files, or threads.
        """
        try:
            made = cls(run)
            made._thread.start()
        except (OSError, RuntimeError) as error:
            raise SyndbError(
                f"waiting needs a thread and some files, and this process can have no more ({error})",
                hint="Close what is no longer needed, or raise the limit (`ulimit -n`).",
            ) from error
        return made

    def call(self) -> None:
        """Wake the loop."""
        self.loop.call_soon_threadsafe(self.wake.set)

    def settle(self) -> None:
        """Wait a moment for the thread to end, unless this is it."""
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)


async def slept(wake: asyncio.Event, since: float) -> bool:
    """Wait until there is something to do, or a second; say whether the computer slept since a moment."""
    with suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), TICK_S)
    return time.time() - since > TICK_S + JUMP_S
