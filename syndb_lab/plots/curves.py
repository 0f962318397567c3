"""Curves: the share of neurons reached by hops, and the rich-club coefficient by degree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    VERMILION,
    add_note,
    count_axis,
    drawable_text,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_MARKERS = 40
_LONGEST = 40


def draw_reachability(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the share of the other neurons that is reached within k hops.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on.
    answer : mapping
        The answer of a graph job, with ``reachability``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> curve = {"hops": [0, 1], "mean_fraction_reached": [0.0, 0.5], "exact": True, "sources": 3}
    >>> draw_reachability(ax, {"reachability": curve})
    >>> ax.get_lines()[0].get_ydata().tolist()
    [0.0, 0.5]
    """
    from matplotlib.ticker import MaxNLocator

    curve = answer["reachability"]
    source = curve.get("source")
    note = "exact" if curve["exact"] else f"mean of {curve['sources']:,} neurons drawn, 95 % interval"
    name = f"from {drawable_text(str(source['name'] or source['neuron_id']), _LONGEST)}" if source else note
    style_axes(ax, "Reachability", name)
    if len(curve["hops"]) < 2:
        add_note(ax, "nothing is reached")
        return
    marker = "o" if len(curve["hops"]) <= _MAX_MARKERS else None
    ax.plot(curve["hops"], curve["mean_fraction_reached"], color=BLUE, marker=marker, linewidth=1.6)
    if interval := curve.get("interval"):
        ax.fill_between(curve["hops"], interval["low"], interval["high"], color=BLUE, alpha=0.2, linewidth=0)
    ax.set_ylim(0, 1.03)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("directed hops", fontsize=11, color=INK)
    ax.set_ylabel("share of the other neurons reached", fontsize=11, color=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)


def draw_rich_club(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the normalised rich-club coefficient by degree; values above 1 indicate a rich club.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on.
    answer : mapping
        The answer of a graph job, with ``rich_club``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_rich_club(ax, {"rich_club": {"degree": [], "normalised": [], "neurons": [], "samples": 2}})
    >>> [text.get_text() for text in ax.texts]
    ['no rich club: too few connections']
    """
    club = answer["rich_club"]
    style_axes(ax, "Rich club", f"normalised by {club['samples']:,} rewired graphs")
    points = [
        (degree, value, neurons)
        for degree, value, neurons in zip(club["degree"], club["normalised"], club["neurons"], strict=True)
        if value is not None and degree > 0
    ]
    if not points:
        add_note(ax, "no rich club: too few connections")
        return
    degrees, values, neurons = zip(*points, strict=True)
    ax.axhline(1, color=MUTED, linewidth=1, linestyle="--")
    ax.plot(degrees, values, color=VERMILION, linewidth=1.6)
    ax.set_xscale("log")
    count_axis(ax.xaxis, degrees[-1])
    ax.set_xlabel("neurons of a total degree above k", fontsize=11, color=INK)
    ax.set_ylabel("connections among them, over random", fontsize=11, color=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    top = max(range(len(values)), key=values.__getitem__)
    ax.plot(degrees[top], values[top], "o", color=VERMILION)
    ax.set_ylim(min(0.9, *values) * 0.95, max(1.1, values[top]) * 1.16)
    left = degrees[top] <= (degrees[0] * degrees[-1]) ** 0.5
    text = f"{values[top]:.2f} among {neurons[top]:,} neurons"
    ax.annotate(
        text,
        (degrees[top], values[top]),
        xytext=(6 if left else -6, 7),
        textcoords="offset points",
        ha="left" if left else "right",
        fontsize=10,
        color=INK,
    )
