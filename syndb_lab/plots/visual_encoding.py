"""Colours and sizes of values, by category or along a scale; every picture of a graph uses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Real
from typing import Any

from syndb_lab.plots.style import CLASSES, OTHER, UNKNOWN

_SCALE = (
    "#3b528b",
    "#2c728e",
    "#21918c",
    "#28ae80",
    "#5ec962",
    "#addc30",
    "#fde725",
)  # viridis, its lighter part
_STEPS = 25
_PLAIN = "#56b4e9"
_SMALLEST = 0.36  # of the largest radius
UNKNOWN_VALUE = "unknown"
OTHERS = "other"


@dataclass(frozen=True, slots=True)
class ColorEncoding:
    """The colours of a column's values.

    Parameters
    ----------
    colours : tuple of str
        The colours in use.
    of : list of int
        Index in ``colours`` of each value.
    labels : list of (str, int, int)
        The legend of categories: label, index in ``colours``, number of values.
    ends : tuple of (str, str) or None
        The lowest and highest value of a scale; None for categories.
    """

    colours: tuple[str, ...]
    of: list[int]
    labels: list[tuple[str, int, int]]
    ends: tuple[str, str] | None = None


def is_scale(values: Sequence[Any]) -> bool:
    """Return whether a column contains only numbers, at least one of them finite."""
    known = [value for value in values if value is not None]
    return all(isinstance(value, Real) and not isinstance(value, bool) for value in known) and any(
        _number(value) is not None for value in known
    )


def encode_color(values: Sequence[Any]) -> ColorEncoding:
    """Assign a colour to each value: along a scale for numbers, else by category; rare categories share one.

    Examples
    --------
    >>> encode_color(["motor", "sensory", "motor", None]).labels
    [('motor', 0, 2), ('sensory', 1, 1), ('unknown', 2, 1)]
    >>> encode_color([1, 3, 2]).ends
    ('1', '3')
    """
    return _along(values) if is_scale(values) else _by_category(values)


def plain(number: int) -> ColorEncoding:
    """Assign the same colour to all values."""
    return ColorEncoding((_PLAIN,), [0] * number, [])


def _by_category(values: Sequence[Any]) -> ColorEncoding:
    texts = [known_value(value) for value in values]
    counts = Counter(text for text in texts if text is not None)
    ranked = sorted(counts, key=lambda text: (-counts[text], text))
    named = sorted(
        ranked[: len(CLASSES)]
    )  # sorted, so that another view of the same classes has the same colours
    colours, labels = (
        list(CLASSES[: len(named)]),
        [(text, number, counts[text]) for number, text in enumerate(named)],
    )
    numbers = {text: number for number, text in enumerate(named)}
    if rest := ranked[len(CLASSES) :]:
        labels.append((f"{OTHERS} ({len(rest)})", len(colours), sum(counts[text] for text in rest)))
        numbers |= dict.fromkeys(rest, len(colours))
        colours.append(OTHER)
    if None in texts:
        labels.append((UNKNOWN_VALUE, len(colours), texts.count(None)))
        colours.append(UNKNOWN)
    return ColorEncoding(
        tuple(colours), [len(colours) - 1 if text is None else numbers[text] for text in texts], labels
    )


def _along(values: Sequence[Any]) -> ColorEncoding:
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    colours = (*(_between(step / (_STEPS - 1)) for step in range(_STEPS)), UNKNOWN)
    steps = [
        _STEPS if number is None else round(_share(number, low, high) * (_STEPS - 1)) for number in numbers
    ]
    unknown = numbers.count(None)
    labels = [(UNKNOWN_VALUE, _STEPS, unknown)] if unknown else []
    return ColorEncoding(
        colours,
        steps,
        labels,
        (format_value(_original_value(low, values)), format_value(_original_value(high, values))),
    )


def _original_value(number: float, values: Sequence[Any]) -> Any:
    return next((value for value in values if _number(value) == number), number)


def _between(share: float) -> str:
    """Interpolate the colour at a share (0 to 1) of the scale."""
    step = share * (len(_SCALE) - 1)
    low = min(int(step), len(_SCALE) - 2)
    first, second = (
        [int(colour[start : start + 2], 16) for start in (1, 3, 5)] for colour in _SCALE[low : low + 2]
    )
    return "#" + "".join(
        f"{round(a + (b - a) * (step - low)):02x}" for a, b in zip(first, second, strict=True)
    )


def sizes(values: Sequence[Any]) -> list[float]:
    """Assign a radius to each value, as a share of the largest; the area grows with the value.

    Unknown values and 0 (or the lowest of values below 0) get the smallest radius.

    Examples
    --------
    >>> sizes([0, 25, 100]), sizes([5, 5, None]), sizes([-4, 0, 12])
    ([0.36, 0.68, 1.0], [0.6, 0.6, 0.36], [0.36, 0.68, 1.0])
    """
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    low, high = min([0.0, *known]), max(known, default=0.0)
    if not known or min(known) == high:
        return [_SMALLEST if number is None else 0.6 for number in numbers]
    return [
        _SMALLEST
        if number is None
        else round(_SMALLEST + (1 - _SMALLEST) * sqrt(_share(number, low, high)), 3)
        for number in numbers
    ]


def _share(number: float, low: float, high: float) -> float:
    """Return the share (0 to 1) of a number between two, even if their difference overflows a float."""
    scale = max(abs(low), abs(high)) or 1.0
    return (number / scale - low / scale) / ((high / scale - low / scale) or 1.0)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the range of floats
        return None
    return number if isfinite(number) else None


def known_value(value: Any) -> str | None:
    """Format a value; None if it is unknown: null, empty text, or a number that is not finite.

    Examples
    --------
    >>> known_value(0), known_value(float("nan")), known_value("")
    ('0', None, None)
    """
    if value is None or value == "" or (isinstance(value, Real) and _number(value) is None):
        return None
    return format_value(value)


def format_value(value: Any) -> str:
    """Format a value for a label.

    Examples
    --------
    >>> format_value(1234567), format_value(0.0123456), format_value("motor")
    ('1,234,567', '0.0123', 'motor')
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else f"{float(value):,.3g}"
    return str(value)
