"""A queue for a few places that is fair between users: who used little is served before who used much."""

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
"""Whoever used less than so much of late may take the last place that is free."""


@dataclass(eq=False, slots=True)
class _Ticket:
    owner: str
    number: int
    granted: threading.Event = field(default_factory=threading.Event)


class FairQueue:
    """Lets a few at a time through.

    The next is one of the user who has the fewest places, then of the one who used the least time of late,
    then the one who came first. No user has all places, and the last one that is free is kept for users who
    used little: neither one user nor several together can hold up everybody with what is slow.

    Parameters
    ----------
    places : int
        How many may be let through at a time, 2 at least.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, places: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = self._places = places
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._taken: Counter[str] = Counter()
        self._used: dict[str, tuple[float, float]] = {}
        self._numbers = 0

    @contextmanager
    def acquire(self, owner: str, timeout_s: float) -> Iterator[Callable[[float], None]]:
        """Wait for a place, and have it; call what is given with the seconds that were used in it.

        Raises
        ------
        TooManyRequests
            If none came in time, and the user has some: others of his are worked on.
        TransientError
            If none came in time because of others.
        """
        self._wait(owner, timeout_s)
        try:
            yield lambda seconds: self._charge(owner, seconds)
        finally:
            with self._lock:
                self._give_back(owner)

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

    def _give_back(self, owner: str) -> None:
        self._free += 1
        self._taken[owner] -= 1
        self._taken += Counter()
        self._grant()

    def _grant(self) -> None:
        while self._free:
            may = [ticket for ticket in self._waiting if self._can_acquire(ticket.owner)]
            if not may:
                return
            ticket = min(may, key=lambda one: (self._taken[one.owner], self._recent(one.owner), one.number))
            self._waiting.remove(ticket)
            self._free -= 1
            self._taken[ticket.owner] += 1
            ticket.granted.set()

    def _can_acquire(self, owner: str) -> bool:
        if self._free == 1 and self._places > 1:
            return not self._taken[owner] and self._recent(owner) < LIGHT_S
        return self._taken[owner] < self._places - 1

    def _recent(self, owner: str) -> float:
        seconds, at = self._used.get(owner, (0.0, 0.0))
        return seconds * math.exp2((at - self._clock()) / HALF_LIFE_S)

    def _charge(self, owner: str, seconds: float) -> None:
        with self._lock:
            self._used[owner] = (self._recent(owner) + seconds, self._clock())
            if len(self._used) > FORGOTTEN_FROM:
                self._used = {name: used for name, used in self._used.items() if self._recent(name) > 0.01}


FORGOTTEN_FROM: Final = 1_000
