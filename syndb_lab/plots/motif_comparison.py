"""Motif profiles of two datasets, or of the parts of one, in one plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import CLASSES, FAINT, INK, add_note, draw_legend, drawable_text, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST = 40


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
