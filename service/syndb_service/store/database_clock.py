"""The database's clock, kept by this machine's: asked for now and then instead of with every statement."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

KEPT_S: Final = 10.0
BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def since_boot() -> float:
    """Return the seconds since this machine was started, those in which it slept included."""
    return time.clock_gettime(BOOT)


class DatabaseClock:
    """Tells the time of another machine.

    It is asked again after ``KEPT_S`` seconds. An answer is right to half the time that it took (Cristian
    1989, Distributed Computing 3:146, doi:10.1007/BF01784024): where what is kept lies within that it stays,
    so that the time that is told does not go back and forth.

    Parameters
    ----------
    ask : callable
        Asks the other machine for its time.

    Examples
    --------
    >>> from datetime import UTC
    >>> clock = DatabaseClock(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    >>> f"{clock.now():%Y-%m-%d}"
    '2026-01-01'
    """

    def __init__(self, ask: Callable[[], datetime]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._kept: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Return the other machine's time."""
        here = since_boot()
        kept = self._kept
        if kept is None or here >= kept[1]:
            with self._lock:
                kept = self._kept
                if kept is None or here >= kept[1]:
                    kept = self._kept = self._query(kept)
        return kept[0] + timedelta(seconds=since_boot())

    def _query(self, kept: tuple[datetime, float] | None) -> tuple[datetime, float]:
        before = since_boot()
        moment = self._ask()
        after = since_boot()
        origin = moment - timedelta(seconds=(before + after) / 2)
        if kept is not None and abs(kept[0] - origin) <= timedelta(seconds=(after - before) / 2):
            origin = kept[0]
        return origin, after + KEPT_S
