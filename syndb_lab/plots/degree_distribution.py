"""The distributions of in-degree and out-degree."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import BLUE, FAINT, INK, VERMILION, add_note, count_axis, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DIRECTIONS = (("in_degree", "in", BLUE, "o", 6.5), ("out_degree", "out", VERMILION, "s", 4.5))
_MAX_MARKERS = 80


def draw_degrees(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the share of neurons with at least k partners, in and out, on logarithmic axes.

    The cumulative form needs no bins, and is readable from 300 neurons to a whole brain. A logarithmic axis
    can't show neurons without partners; the legend counts them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on.
    answer : mapping
        The answer of a graph job, with ``in_degree`` and ``out_degree``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> degree = {"mean": 1.0, "max": 2, "distribution": {"values": [0, 1, 2], "counts": [1, 1, 1]}}
    >>> draw_degrees(ax, {"in_degree": degree, "out_degree": degree})
    >>> [line.get_label() for line in ax.get_lines()]
    ['in: mean 1.0, max 2, none in 1 neuron', 'out: mean 1.0, max 2, none in 1 neuron']
    """
    style_axes(ax, "Degree distribution")
    lowest, highest = 1.0, 1
    for key, name, colour, marker, size in _DIRECTIONS:
        degree = answer[key]
        partners, shares = survival(degree["distribution"])
        if not partners:
            continue
        lowest, highest = min(lowest, shares[-1]), max(highest, partners[-1])
        ax.plot(
            partners,
            shares,
            color=colour,
            linewidth=1.6,
            marker=marker if len(partners) <= _MAX_MARKERS else None,
            markersize=size,
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=_summary(name, degree),
        )
    if not ax.lines:
        add_note(ax, "no connections")
        return
    ax.set_xscale("log")
    ax.set_yscale("log")
    count_axis(ax.xaxis, highest)
    ax.set_xlim(0.85, max(highest, 8) * 1.3)
    ax.set_ylim(min(lowest**1.25 * 0.5, 0.09), 1.4)  # leaves a corner free for the legend
    ax.set_xlabel("partners k", fontsize=11, color=INK)
    ax.set_ylabel("share of neurons with at least k partners", fontsize=11, color=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(loc="lower left", frameon=False, fontsize=11)


def survival(distribution: Mapping[str, Any]) -> tuple[list[int], list[float]]:
    """Return each degree of at least 1, and the share of all neurons that have it or a higher one.

    Examples
    --------
    >>> survival({"values": [0, 1, 3], "counts": [2, 1, 1]})
    ([1, 3], [0.5, 0.25])
    """
    values, counts = distribution["values"], distribution["counts"]
    neurons = sum(counts)
    above = list(accumulate(reversed(counts)))[::-1]
    points = [(value, count / neurons) for value, count in zip(values, above, strict=True) if value > 0]
    return [value for value, _ in points], [share for _, share in points]


def _summary(name: str, degree: Mapping[str, Any]) -> str:
    spread = degree["distribution"]
    none = dict(zip(spread["values"], spread["counts"], strict=True)).get(0, 0)
    without = f", none in {none:,} neuron{'s' if none > 1 else ''}" if none else ""
    return f"{name}: mean {degree['mean']:,.1f}, max {degree['max']:,}{without}"
