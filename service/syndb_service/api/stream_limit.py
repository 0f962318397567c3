"""How many event streams one user may have open at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from syndb_service.errors import TooManyRequests

STREAMS: Final = 200
RETRY_AFTER_S: Final = 2
T = TypeVar("T")


class StreamLimit:
    """Counts the open streams of each user of this process.

    Parameters
    ----------
    streams : int
        How many one user may have.
    """

    def __init__(self, streams: int = STREAMS) -> None:
        self._streams = streams
        self._open: Counter[str] = Counter()

    def check(self, user: str) -> None:
        """Refuse a further stream.

        Raises
        ------
        TooManyRequests
            If the user has as many as one may have.
        """
        if self._open[user] >= self._streams:
            raise TooManyRequests(
                f"you have {self._open[user]:,} event streams open; at most {self._streams:,} are held",
                hint="Follow up to 100 jobs by one stream: GET /v1/jobs/events?job=ID&job=ID.",
                code="rate_limited",
                retry_after=RETRY_AFTER_S,
            )

    async def counted(self, user: str, events: AsyncIterator[T]) -> AsyncIterator[T]:
        """Pass a stream on, and count it for as long as it is read."""
        self._open[user] += 1
        try:
            async for event in events:
                yield event
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]
