"""The clock of the database server, read every ``MAX_AGE_S`` seconds and extrapolated by the local clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

MAX_AGE_S: Final = 10.0
BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def since_boot() -> float:
    """Return the seconds since this machine was started, including those in which it slept."""
    return time.clock_gettime(BOOT)


class DatabaseClock:
    """A clock that returns the time of another machine.

    It reads that time again after ``MAX_AGE_S`` seconds. An answer is accurate to half the round-trip time
    (Cristian 1989, Distributed Computing 3:146, doi:10.1007/BF01784024): if the previous offset is within
    that error it is kept, so that the time does not jump back and forth.

    Parameters
    ----------
    read_time : callable
        Reads the time of the other machine.

    Examples
    --------
    >>> from datetime import UTC
    >>> clock = DatabaseClock(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    >>> f"{clock.now():%Y-%m-%d}"
    '2026-01-01'
    """

    def __init__(self, read_time: Callable[[], datetime]) -> None:
        self._read_time = read_time
        self._lock = threading.Lock()
        self._cached: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Return the other machine's time."""
        now_s = since_boot()
        cached = self._cached
        if cached is None or now_s >= cached[1]:
            with self._lock:
                cached = self._cached
                if cached is None or now_s >= cached[1]:
                    cached = self._cached = self._query(cached)
        return cached[0] + timedelta(seconds=since_boot())

    def _query(self, cached: tuple[datetime, float] | None) -> tuple[datetime, float]:
        before = since_boot()
        server_time = self._read_time()
        after = since_boot()
        origin = server_time - timedelta(seconds=(before + after) / 2)
        if cached is not None and abs(cached[0] - origin) <= timedelta(seconds=(after - before) / 2):
            origin = cached[0]
        return origin, after + MAX_AGE_S
