"""The shortest path from one neuron to another, with the neurons on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import BLUE, INK, MUTED, add_note, drawable_text, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_IN_A_ROW = 8
_LONGEST = 20


def draw_route(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the neurons of the path with the synapses between them, in rows of eight.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on.
    answer : mapping
        The answer of a graph job, with ``shortest_path``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> end = {"neuron_id": "1", "name": "AVAL"}
    >>> draw_route(ax, {"shortest_path": {"source": end, "target": end, "found": False, "path": []}})
    >>> [text.get_text() for text in ax.texts]
    ['no directed path']
    """
    found = answer["shortest_path"]
    style_axes(ax, "Shortest path", "")
    ax.set_title(
        f"{_name(found['source'])} → {_name(found['target'])}", loc="right", fontsize=10, parse_math=False
    )
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    if not found["found"]:
        add_note(ax, "no directed path")
        return
    path = found["path"]
    rows = rows_of(answer)
    ax.set_xlim(-0.6, min(len(path), _IN_A_ROW) - 0.4)
    ax.set_ylim(-rows + 0.4, 0.6)
    positions = [(step % _IN_A_ROW, -(step // _IN_A_ROW)) for step in range(len(path))]
    for number, connection in enumerate(found["connections"]):
        (x, y), (further, down) = positions[number], positions[number + 1]
        ax.annotate(
            "",
            (further, down),
            (x, y),
            arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.6, "shrinkA": 34, "shrinkB": 34},
        )
        count = connection["synapse_count"]
        text = f"{count:,} synapse{'s' if count > 1 else ''}"
        ax.text(
            (x + further) / 2, (y + down) / 2 + 0.05, text, ha="center", va="bottom", fontsize=9, color=INK
        )
    for neuron, (x, y) in zip(path, positions, strict=True):
        ax.text(
            x,
            y,
            _name(neuron),
            ha="center",
            va="center",
            fontsize=11,
            color="white",
            parse_math=False,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": BLUE, "edgecolor": "none"},
        )


def rows_of(answer: Mapping[str, Any]) -> int:
    """Return the number of rows that a path needs.

    Examples
    --------
    >>> rows_of({"shortest_path": {"path": [{}] * 9}})
    2
    """
    return max(1, (len(answer["shortest_path"]["path"]) + _IN_A_ROW - 1) // _IN_A_ROW)


def _name(neuron: Mapping[str, Any]) -> str:
    return drawable_text(str(neuron["name"] or neuron["neuron_id"]), _LONGEST)
