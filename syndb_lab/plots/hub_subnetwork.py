"""The strongest sub-network around the hubs, with neuron names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.label_layout import Point, layout_labels
from syndb_lab.plots.style import (
    CLASSES,
    DARK,
    INK,
    OTHER,
    UNKNOWN,
    add_note,
    draw_legend,
    drawable_text,
    size_in_points,
    style_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import FancyBboxPatch

_UNKNOWN_CLASS = "unknown"
_OTHER_CLASSES = "other"
_LONGEST_NAME = 14
_LONGEST_CLASS = 24
_LEGEND_HEIGHT = 34.0  # points


def draw_subnetwork(ax: Axes, answer: Mapping[str, Any], seed: int = 1) -> None:
    """Draw neurons as labels coloured by cell class, and connections as arrows with a width by strength.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on. The layout depends on its size, so set its position first.
    answer : mapping
        The answer of a graph job, with ``strongest_subnetwork``.
    seed : int
        Seed of the layout.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> neuron = {"name": "AVAL", "cell_class": "interneuron", "is_hub": True}
    >>> part = {
    ...     "neurons": [{"neuron_id": "1", **neuron}, {"neuron_id": "2", **neuron, "name": None}],
    ...     "connections": [{"pre": "1", "post": "2", "synapse_count": 7}],
    ...     "connections_among_neurons": 1,
    ... }
    >>> draw_subnetwork(ax, {"strongest_subnetwork": part})
    >>> [text.get_text() for text in ax.texts]
    ['AVAL', '2']
    """
    part = answer["strongest_subnetwork"]
    neurons, connections = part["neurons"], part["connections"]
    around = "hubs" if any(neuron["is_hub"] for neuron in neurons) else "best-connected neurons"
    style_axes(ax, f"The strongest connections around the {around}", _caption(part))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    if not neurons:
        add_note(ax, "no connections")
        return
    width, height = size_in_points(ax)
    ax.set_xlim(0, width)
    ax.set_ylim(0, height)
    sizes = {neuron["neuron_id"]: _label_size(neuron) for neuron in neurons}
    positions = layout_labels(sizes, connections, (width, height - _LEGEND_HEIGHT), seed)
    positions = {neuron: (x, y + _LEGEND_HEIGHT) for neuron, (x, y) in positions.items()}
    colours = class_colours(neurons)
    boxes = {
        neuron["neuron_id"]: _label(
            ax, neuron, positions[neuron["neuron_id"]], sizes[neuron["neuron_id"]], _colour(neuron, colours)
        )
        for neuron in neurons
    }
    _arrows(ax, connections, positions, boxes)
    _legend(ax, colours)


def class_colours(neurons: list[dict[str, Any]]) -> dict[str, str]:
    """Return a colour for each frequent cell class, in alphabetical order; the others share one.

    Examples
    --------
    >>> class_colours([{"cell_class": "motor"}, {"cell_class": None}])
    {'motor': '#56b4e9', 'unknown': '#d0d0d0'}
    """
    frequent = Counter(neuron["cell_class"] for neuron in neurons if neuron["cell_class"])
    ranked = sorted(frequent, key=lambda name: (-frequent[name], name))
    colours = dict(zip(sorted(ranked[: len(CLASSES)]), CLASSES, strict=False))
    if len(ranked) > len(CLASSES):
        colours[_OTHER_CLASSES] = OTHER
    if any(not neuron["cell_class"] for neuron in neurons):
        colours[_UNKNOWN_CLASS] = UNKNOWN
    return colours


def _colour(neuron: Mapping[str, Any], colours: Mapping[str, str]) -> str:
    return colours.get(neuron["cell_class"] or _UNKNOWN_CLASS, OTHER)


def _caption(part: Mapping[str, Any]) -> str:
    shown = part["connections"]
    if not shown:
        return ""
    weakest, strongest = shown[-1]["synapse_count"], shown[0]["synapse_count"]
    synapses = (
        f"{weakest:,} to {strongest:,} synapses"
        if strongest > weakest
        else f"{strongest:,} synapse{'s' if strongest > 1 else ''}"
    )
    return (
        f"{len(shown)} of {part['connections_among_neurons']:,} connections among {len(part['neurons'])} "
        f"neurons, {synapses} each"
    )


def _name(neuron: Mapping[str, Any]) -> str:
    return drawable_text(str(neuron["name"] or neuron["neuron_id"]), _LONGEST_NAME)


def _font(neuron: Mapping[str, Any]) -> dict[str, Any]:
    return {"size": 11 if neuron["is_hub"] else 9, "weight": "bold" if neuron["is_hub"] else "normal"}


def _label_size(neuron: Mapping[str, Any]) -> Point:
    """Return the width and height of a neuron's label, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(**_font(neuron))
    width, _, _ = text_to_path.get_text_width_height_descent(_name(neuron), font, ismath=False)
    return float(width) + 12.0, float(font.get_size_in_points()) + 8.0


def _label(ax: Axes, neuron: Mapping[str, Any], position: Point, size: Point, colour: str) -> FancyBboxPatch:
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch(
        (position[0] - size[0] / 2, position[1] - size[1] / 2),
        *size,
        boxstyle=f"round,pad=0,rounding_size={size[1] / 2.2}",
        facecolor=colour,
        edgecolor=INK if neuron["is_hub"] else "white",
        linewidth=1.4 if neuron["is_hub"] else 0.8,
        zorder=3,
    )
    ax.add_patch(box)
    ink = "white" if colour in DARK else INK
    ax.text(
        *position,
        _name(neuron),
        ha="center",
        va="center_baseline",
        color=ink,
        zorder=4,
        parse_math=False,
        fontsize=_font(neuron)["size"],
        fontweight=_font(neuron)["weight"],
    )
    return box


def _arrows(
    ax: Axes,
    connections: list[dict[str, Any]],
    positions: Mapping[str, Point],
    boxes: Mapping[str, FancyBboxPatch],
) -> None:
    """Draw stronger connections wider, darker and on top; the two of a mutual pair are curved."""
    from matplotlib.patches import FancyArrowPatch

    strongest = max((connection["synapse_count"] for connection in connections), default=1)
    for connection in connections:
        pre, post, share = connection["pre"], connection["post"], connection["synapse_count"] / strongest
        width = 0.6 + 4.4 * share
        ax.add_patch(
            FancyArrowPatch(
                positions[pre],
                positions[post],
                patchA=boxes[pre],
                patchB=boxes[post],
                arrowstyle="-|>",
                connectionstyle="arc3,rad=0.12",
                mutation_scale=7 + 3.5 * width,
                linewidth=width,
                color=str(round(0.76 - 0.4 * share, 3)),
                capstyle="butt",
                joinstyle="miter",
                zorder=2 + share / 2,
            )
        )


def _legend(ax: Axes, colours: Mapping[str, str]) -> None:
    from matplotlib.patches import Patch

    rows = 1 if len(colours) <= 5 else 2
    handles = [Patch(color=colour) for colour in colours.values()]
    draw_legend(
        ax,
        handles,
        [drawable_text(name.replace("_", " "), _LONGEST_CLASS) for name in colours],
        loc="lower center",
        ncols=ceil(len(handles) / rows),
        frameon=False,
        fontsize=10,
        bbox_to_anchor=(0.5, -0.02),
        borderaxespad=0,
    )
