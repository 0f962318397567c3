"""A parser of server-sent events, fed with the bytes of a stream as they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_EVENT: Final = 64 * 1024**2


class GarbledStreamError(Exception):
    """The bytes are no valid event stream."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event of a stream, or, with an empty ``kind``, a comment."""

    kind: str
    data: str = ""


class EventLines:
    r"""A parser of the standard format, in which lines end at ``\n``, ``\r`` or ``\r\n`` and nowhere else.

    Examples
    --------
    >>> lines = EventLines()
    >>> list(lines.feed(b"retry: 9\n\nevent: job\ndata: {\xe2\x80"))
    []
    >>> list(lines.feed(b"\xa8}\r\n\r\n: on\n"))
    [ServerEvent(kind='job', data='{\u2028}'), ServerEvent(kind='', data='')]
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._kind = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that these bytes complete.

        Raises
        ------
        GarbledStreamError
            An event is longer than ``LONGEST_EVENT`` bytes.
        """
        *lines, self._buffer = (self._buffer + chunk).splitlines(keepends=True) or [b""]
        if self._buffer.endswith(b"\n"):
            lines, self._buffer = [*lines, self._buffer], b""
        for line in lines:
            yield from self._read(line.rstrip(b"\r\n").decode("utf-8", "replace"))
        self._size = sum(map(len, self._data)) + len(self._buffer)
        if self._size > LONGEST_EVENT:
            raise GarbledStreamError

    def _read(self, line: str) -> Iterator[ServerEvent]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if self._data:
                yield ServerEvent(self._kind or "message", "\n".join(self._data))
            self._kind, self._data = "", []
        elif not name:
            yield ServerEvent("")
        elif name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
