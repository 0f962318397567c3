"""Byte ranges of a ``Range`` header (RFC 9110)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from syndb_service.errors import RangeNotSatisfiable

MAX_RANGES: Final = 16
RANGE: Final = re.compile(r"([0-9]{0,4000})-([0-9]{0,4000})")


class Span(NamedTuple):
    """The bytes from ``start`` to ``stop``, without ``stop``."""

    start: int
    stop: int


def parse_range(header: str, size: int) -> list[Span] | None:
    """Return the requested ranges, sorted and merged; None if the whole file is sent.

    A malformed header, one of another unit and one with more than 16 ranges are ignored, as the RFC allows.

    Parameters
    ----------
    header : str
        Value of ``Range``.
    size : int
        Size of the file in bytes.

    Raises
    ------
    RangeNotSatisfiable
        If no range overlaps the file.

    Examples
    --------
    >>> parse_range("bytes=0-9, 5-14, -5", 100)
    [Span(start=0, stop=15), Span(start=95, stop=100)]
    >>> parse_range("lines=1-2", 100) is None
    True
    """
    unit, _, value = header.partition("=")
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if unit.strip().lower() != "bytes" or not 1 <= len(parts) <= MAX_RANGES:
        return None
    spans = []
    for part in parts:
        match = RANGE.fullmatch(part)
        if match is None or part == "-" or (all(match.groups()) and int(match[1]) > int(match[2])):
            return None
        spans.append(_span(match[1], match[2], size))
    within = sorted(span for span in spans if span.start < span.stop)
    if not within:
        raise RangeNotSatisfiable(
            f"the range is outside the file, which has {size:,} bytes",
            size=size,
            hint="HEAD returns the size; leave out Range to get the whole file.",
        )
    return _merge(within)


def _span(first: str, last: str, size: int) -> Span:
    if not first:
        return Span(max(size - int(last), 0), size)
    return Span(int(first), min(int(last) + 1, size) if last else size)


def _merge(spans: list[Span]) -> list[Span]:
    merged = spans[:1]
    for span in spans[1:]:
        if span.start <= merged[-1].stop:
            merged[-1] = Span(merged[-1].start, max(merged[-1].stop, span.stop))
        else:
            merged.append(span)
    return merged
