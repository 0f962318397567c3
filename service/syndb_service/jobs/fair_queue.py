"""A fair queue for a few slots: users who used little time recently come before users who used much."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from syndb_service.errors import TooManyRequests, TransientError

HALF_LIFE_S: Final = 10.0
LIGHT_S: Final = 0.5
"""Seconds of recent use below which a user may acquire the last free slot."""


@dataclass(eq=False, slots=True)
class _Ticket:
    owner: str
    number: int
    granted: threading.Event = field(default_factory=threading.Event)


class FairQueue:
    """A semaphore with a fixed number of slots that is fair between users.

    The next slot goes to the user who holds the fewest slots, then to the one who used the least time
    recently, then to the first in the queue. No user holds all slots, and the last free one is reserved for
    users who used little: neither one user nor several together can block all others with slow work.

    Parameters
    ----------
    slots : int
        Number of slots, at least 2.
    clock : callable
        Seconds of a monotonic clock.
    """

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = self._slots = slots
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._taken: Counter[str] = Counter()
        self._used: dict[str, tuple[float, float]] = {}
        self._numbers = 0

    @contextmanager
    def acquire(self, owner: str, timeout_s: float) -> Iterator[Callable[[float], None]]:
        """Wait for a slot and hold it; the context's value is called with the seconds to charge the user.

        Raises
        ------
        TooManyRequests
            If no slot is free in time and the user holds some.
        TransientError
            If no slot is free in time because of other users.
        """
        self._wait(owner, timeout_s)
        try:
            yield lambda seconds: self._charge(owner, seconds)
        finally:
            with self._lock:
                self._release(owner)

    def _wait(self, owner: str, timeout_s: float) -> None:
        with self._lock:
            self._numbers += 1
            ticket = _Ticket(owner, self._numbers)
            self._waiting.append(ticket)
            self._grant()
        if ticket.granted.wait(timeout_s):
            return
        with self._lock:
            if ticket.granted.is_set():
                return
            self._waiting.remove(ticket)
            if self._taken[owner]:
                raise TooManyRequests(
                    "queries of yours are being checked, and they take long",
                    hint="Send the next one when some are answered.",
                    code="rate_limited",
                    retry_after=1,
                )
            raise TransientError("the service is busy checking other queries", code="engine_unavailable")

    def _release(self, owner: str) -> None:
        self._free += 1
        self._taken[owner] -= 1
        self._taken += Counter()
        self._grant()

    def _grant(self) -> None:
        while self._free:
            allowed = [ticket for ticket in self._waiting if self._can_acquire(ticket.owner)]
            if not allowed:
                return
            ticket = min(allowed, key=self._priority)
            self._waiting.remove(ticket)
            self._free -= 1
            self._taken[ticket.owner] += 1
            ticket.granted.set()

    def _priority(self, ticket: _Ticket) -> tuple[int, float, int]:
        return self._taken[ticket.owner], self._recent(ticket.owner), ticket.number

    def _can_acquire(self, owner: str) -> bool:
        if self._free == 1 and self._slots > 1:
            return not self._taken[owner] and self._recent(owner) < LIGHT_S
        return self._taken[owner] < self._slots - 1

    def _recent(self, owner: str) -> float:
        seconds, at = self._used.get(owner, (0.0, 0.0))
        return seconds * math.exp2((at - self._clock()) / HALF_LIFE_S)

    def _charge(self, owner: str, seconds: float) -> None:
        with self._lock:
            self._used[owner] = (self._recent(owner) + seconds, self._clock())
            if len(self._used) > MAX_REMEMBERED:
                self._used = {name: used for name, used in self._used.items() if self._recent(name) > 0.01}


MAX_REMEMBERED: Final = 1_000
