"""Waiting for what other threads, processes and servers do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

WAIT_S: Final = 120
"""How long a test waits at most: far more than needed, so that a busy machine fails no test."""

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T],
    what: str = "",
    *,
    meanwhile: Callable[[], object] = lambda: None,
    timeout_s: float = WAIT_S,
) -> T:
    """Wait until a condition is true, and return its value.

    Parameters
    ----------
    condition : callable
        Tried every hundredth of a second.
    what : str, default ""
        What the test says if the condition does not become true.
    meanwhile : callable, optional
        Called after each try that fails.
    timeout_s : float, default WAIT_S
        How long to wait at most.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, what or f"not true after {timeout_s} s"
        meanwhile()
        time.sleep(0.01)
    return value


async def wait_until_async(condition: Callable[[], object]) -> None:
    """Wait in an event loop until a condition is true."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)
