"""Ranges of bytes, as RFC 9110 has them: which parts of a file a request asks for."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from syndb_service.errors import RangeNotSatisfiable

MAX_RANGES: Final = 16
RANGE: Final = re.compile(r"([0-9]{0,4000})-([0-9]{0,4000})")


class Span(NamedTuple):
    """The bytes from ``start`` up to ``stop``."""

    start: int
    stop: int


def parse_range(header: str, size: int) -> list[Span] | None:
    """Return the parts asked for, in order and without overlaps; None if the whole file is to be sent.

    A header that is malformed, of another unit or asks for too many parts is ignored, as the RFC allows.

    Parameters
    ----------
    header : str
        The value of ``Range``.
    size : int
        Bytes of the file.

    Raises
    ------
    RangeNotSatisfiable
        If no part asked for lies within the file.

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
            f"the range lies outside the file, which has {size:,} bytes",
            size=size,
            hint="HEAD tells the size; leave out Range to get the whole file.",
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
