"""The motifs of three neurons: their counts, with a drawing of each triad, and profiles of two datasets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import (
    BLUE,
    CLASSES,
    FAINT,
    INK,
    MUTED,
    VERMILION,
    add_note,
    draw_legend,
    drawable_text,
    size_in_points,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


OPEN = ("021D", "021U", "021C", "111D", "111U", "201")
CLOSED = ("030T", "030C", "120D", "120U", "120C", "210", "300")
APART = ("003", "012", "102")

_GROUPS = (
    (APART, MUTED, "no or one connected pair"),
    (OPEN, BLUE, "open: two connected pairs"),
    (CLOSED, VERMILION, "closed: all three pairs connected"),
)
_CORNERS = {"a": (-0.37, 0.0), "b": (0.0, 0.64), "c": (0.37, 0.0)}
_EXACT_BELOW = 10_000_000
_LONGEST = 40


def draw_motifs(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the triadic census: a bar for each motif, with its triad below.

    The scale is logarithmic. A motif that does not occur has no bar and the label 0.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on. The triads are drawn below it, and need half of its height.
    answer : mapping
        The answer of a graph job, with ``triadic_census``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure(figsize=(12, 4)).subplots()
    >>> draw_motifs(ax, {"triadic_census": {"003": 0, "012": 1}})
    >>> [text.get_text() for text in ax.texts]
    ['0', '1']
    """
    census = answer["triadic_census"]
    style_axes(ax, "The 16 motifs of three neurons", "number of triples, logarithmic")
    names = [name for group, _, _ in _GROUPS for name in group if name in census]
    colours = {name: colour for group, colour, _ in _GROUPS for name in group}
    top = max([10, *census.values()])
    ax.set_yscale("log")
    ax.set_ylabel("triples of neurons", fontsize=11, color=INK)
    ax.set_ylim(0.5, top ** (1 + 0.18) * 2)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.yaxis.grid(True, color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    for position, name in enumerate(names):
        count = census[name]
        if count:
            ax.bar(position, count - 0.5, bottom=0.5, width=0.62, color=colours[name])
        ax.text(
            position,
            max(count, 0.5) * 1.25,
            format_count(count),
            ha="center",
            va="bottom",
            fontsize=10,
            color=INK,
        )
    _legend(ax)
    _triads(ax, names, colours)


def draw_significance(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the z-score of each motif compared with rewired graphs, with its triad below.

    The scale is logarithmic on both sides of 0. The label of a bar is the ratio of the count to the mean of
    the rewired graphs. A motif whose count does not vary in them has no z-score.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on. The triads are drawn below it, and need half of its height.
    answer : mapping
        The answer of a graph job, with ``motif_significance``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure(figsize=(12, 4)).subplots()
    >>> motif = {"z_score": 12.0, "ratio": 3.5}
    >>> draw_significance(ax, {"motif_significance": {"samples": 100, "motifs": {"030T": motif}}})
    >>> [text.get_text() for text in ax.texts]
    ['×3.5']
    """
    found = answer["motif_significance"]
    motifs = found["motifs"]
    null_model = "keeping mutual pairs" if found.get("keep_reciprocity") else "keeping degrees"
    style_axes(
        ax,
        "Motifs against chance",
        f"z-score and ratio to the mean of {found['samples']:,} graphs {null_model}",
    )
    names = [name for group, _, _ in _GROUPS for name in group if name in motifs]
    colours = {name: colour for group, colour, _ in _GROUPS for name in group}
    scores = {name: motifs[name]["z_score"] for name in names}
    largest = max([10.0, *(abs(score) for score in scores.values() if score is not None)])
    ax.set_yscale("symlog", linthresh=2)
    ax.set_ylabel("z-score, symmetrically logarithmic", fontsize=11, color=INK)
    ax.set_ylim(-largest * 8, largest * 90)  # leaves a line free for the legend
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.yaxis.grid(True, color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    for position, name in enumerate(names):
        score, ratio = scores[name] or 0.0, motifs[name]["ratio"]
        ax.bar(position, score, width=0.62, color=colours[name])
        ax.annotate(
            "–" if ratio is None else f"×{_short(ratio)}",
            (position, score),
            xytext=(0, 3 if score >= 0 else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if score >= 0 else "top",
            fontsize=10,
            color=INK,
        )
    _legend(ax)
    _triads(ax, names, colours)


def _short(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def format_count(count: int) -> str:
    r"""Format a count: exactly if it is below ten million, else with three digits.

    Examples
    --------
    >>> format_count(3077866), format_count(449706845445751)
    ('3,077,866', '$4.50\\times10^{14}$')
    """
    if count < _EXACT_BELOW:
        return f"{count:,}"
    power = int(math.log10(count))
    return rf"${count / 10**power:.2f}\times10^{{{power}}}$"


def _legend(ax: Axes) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=label) for _, colour, label in _GROUPS]
    ax.legend(handles=handles, loc="upper right", frameon=False, fontsize=10, ncols=3)


def _triads(ax: Axes, names: list[str], colours: Mapping[str, str]) -> None:
    """Draw the triads with their names in a strip below the bars."""
    import networkx
    from matplotlib.patches import FancyArrowPatch

    strip = ax.inset_axes((0, -0.56, 1, 0.54), sharex=ax)
    width, height = size_in_points(strip)
    tall = (len(names) + 0.2) * height / width
    scale = min(1.0, max(0.3, (tall - 0.62) / 0.64))
    strip.set_ylim(0.64 * scale + 0.14 - tall, 0.64 * scale + 0.14)
    strip.set_axis_off()
    ax.set_xticks([])
    for position, name in enumerate(names):
        corners = {node: (position + x * scale, y * scale) for node, (x, y) in _CORNERS.items()}
        edges = set(networkx.triad_graph(name).edges)
        for pre, post in sorted(edges):
            mutual = (post, pre) in edges
            if mutual and pre > post:
                continue
            strip.add_patch(
                FancyArrowPatch(
                    corners[pre],
                    corners[post],
                    arrowstyle="<|-|>" if mutual else "-|>",
                    mutation_scale=11,
                    shrinkA=5,
                    shrinkB=5,
                    linewidth=2.4 if mutual else 1.2,
                    color=INK,
                )
            )
        across, upwards = zip(*corners.values(), strict=True)
        strip.scatter(across, upwards, s=48, color=colours[name], zorder=3)
        strip.text(position, -0.18, name, ha="center", va="top", fontsize=11, color=INK)


def draw_comparison(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the share of each connected motif, with a line for each of the largest parts.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on.
    answer : mapping
        The answer of a graph job, with ``compare``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_comparison(ax, {"compare": {"parts": []}})
    >>> [text.get_text() for text in ax.texts]
    ['nothing to compare']
    """
    parts = [part for part in answer["compare"]["parts"] if part["connection_count"]]
    shown = parts[: len(CLASSES)]
    note = f"the {len(shown)} largest of {len(parts)} parts" if len(parts) > len(shown) else ""
    style_axes(ax, "Motif profiles", note)
    if not shown:
        add_note(ax, "nothing to compare")
        return
    names = list(shown[0]["motif_shares"])
    titles = {answer[key]["id"]: answer[key]["name"] for key in ("dataset", "other_dataset") if key in answer}
    labels: list[str] = []
    lines: list[Any] = []
    for colour, part in zip(CLASSES, shown, strict=False):
        shares = [part["motif_shares"][name] or float("nan") for name in names]
        name = drawable_text(str(titles.get(part["name"], part["name"])), _LONGEST)
        labels.append(f"{name}: {part['connection_count']:,} connections")
        lines += ax.plot(names, shares, color=colour, marker="o", linewidth=1.6)
    ax.set_yscale("log")
    ax.set_ylabel("share of connected triples", fontsize=11, color=INK)
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    draw_legend(ax, lines, labels, frameon=False, fontsize=10, loc="best")
