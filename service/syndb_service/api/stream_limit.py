"""The limit on the open event streams of a user."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from syndb_service.errors import TooManyRequests

STREAMS: Final = 200
RETRY_AFTER_S: Final = 2


class StreamLimit:
    """Counts the open streams of each user in this process.

    Parameters
    ----------
    streams : int
        Streams that a user may have open.
    """

    def __init__(self, streams: int = STREAMS) -> None:
        self._streams = streams
        self._open: Counter[str] = Counter()

    def begin(self, user: str) -> Callable[[], None]:
        """Count a new stream; return a function to call when it has ended.

        Raises
        ------
        TooManyRequests
            If the user has reached the limit.
        """
        if self._open[user] >= self._streams:
            raise TooManyRequests(
                f"you have {self._open[user]:,} event streams open; at most {self._streams:,} are allowed",
                hint="Follow up to 100 jobs by one stream: GET /v1/jobs/events?job=ID&job=ID.",
                code="rate_limited",
                retry_after=RETRY_AFTER_S,
            )
        self._open[user] += 1
        return lambda: self._end(user)

    def _end(self, user: str) -> None:
        self._open[user] -= 1
        if not self._open[user]:
            del self._open[user]


class CountedStream(StreamingResponse):
    """A stream of events that calls ``on_end``, even if the client disconnects before the first event.

    Parameters
    ----------
    events : AsyncIterator of str
        The events to send.
    on_end : callable
        Called once, when the stream has ended.
    headers : mapping of str to str
        Headers of the response.
    """

    def __init__(
        self, events: AsyncIterator[str], on_end: Callable[[], None], headers: Mapping[str, str]
    ) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events, then call ``on_end``."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()
