"""A sub-network as a static picture, which a saved notebook keeps of the explorer."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import INK, add_note, draw_legend, drawable_text
from syndb_lab.plots.visual_encoding import ColorEncoding, format_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

JUNCTION = "#cc79a7"
_WIDTH, _HEIGHT = 10.0, 6.6  # inches
_ASPECT = _WIDTH / (0.91 * _HEIGHT)
_EDGE = 1.1 * _ASPECT
_LARGEST = 0.052
_LABELS = 60
_LONGEST = 18
_LONGEST_TITLE = 140


def draw_picture(
    names: Sequence[str],
    positions: Sequence[tuple[float, float]],
    lines: Sequence[Any],
    colours: ColorEncoding,
    radii: Sequence[float],
    *,
    title: str = "",
    selected: Collection[int] = (),
) -> Figure:
    """Draw neurons as discs and connections as arrows, wider if stronger; gap junctions have no arrowhead.

    Parameters
    ----------
    names : sequence of str
        Names of the neurons.
    positions : sequence of (float, float)
        Positions from ``layout_neurons``.
    lines : sequence of Connection
        The connections, the strongest first.
    colours : ColorEncoding
        Colours of the neurons.
    radii : sequence of float
        Radii of the neurons, as shares of the largest.
    title : str
        Title of the legend: the meaning of colours and sizes.
    selected : collection of int
        Indices of the neurons to draw with a ring.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to a window.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=100, facecolor="white")
    ax = figure.add_axes((0.0, 0.09, 1.0, 0.91))
    ax.set_ylim(-1.1, 1.1)
    ax.set_xlim(-_EDGE, _EDGE)
    ax.set_axis_off()
    if not names:
        add_note(ax, "no neurons")
        return figure
    scale = _LARGEST * min(1.0, (140 / len(names)) ** 0.5)
    reach = [scale * radius for radius in radii]
    _connections(ax, positions, lines, reach)
    _discs(ax, positions, reach, colours, selected)
    _labels(ax, names, positions, reach, selected)
    _legend(figure, colours, title, lines)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _discs(
    ax: Axes,
    positions: Sequence[tuple[float, float]],
    reach: Sequence[float],
    colours: ColorEncoding,
    selected: Collection[int],
) -> None:
    from matplotlib.collections import EllipseCollection

    ringed = [neuron in selected for neuron in range(len(positions))]
    ax.add_collection(
        EllipseCollection(
            [2 * radius for radius in reach],
            [2 * radius for radius in reach],
            [0.0] * len(reach),
            units="xy",
            offsets=list(positions),
            offset_transform=ax.transData,
            facecolors=[colours.colours[number] for number in colours.of],
            edgecolors=[INK if ring else "white" for ring in ringed],
            linewidths=[2.6 if ring else 0.8 for ring in ringed],
            zorder=3,
        )
    )


def _connections(
    ax: Axes, positions: Sequence[tuple[float, float]], lines: Sequence[Any], reach: Sequence[float]
) -> None:
    """Draw weak connections first, and curve the two of a mutual pair."""
    from matplotlib.collections import PatchCollection, PathCollection
    from matplotlib.patches import Polygon
    from matplotlib.path import Path

    strongest = max((float(line.count) for line in lines), default=1.0) or 1.0
    returned = {(line.pre, line.post) for line in lines if not line.junction}
    paths, widths, inks, heads, tips = [], [], [], [], []
    for line in reversed(lines):
        bend = 0.0 if line.junction or (line.post, line.pre) not in returned else 0.14
        drawn = _arc(positions[line.pre], positions[line.post], reach[line.pre], reach[line.post], bend)
        if drawn is None:
            continue
        start, middle, end, (along, aside) = drawn
        share = max(float(line.count), 0.0) / strongest
        width, ink = 0.45 + 3.8 * share, (JUNCTION if line.junction else _grey(share))
        paths.append(Path([start, middle, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3]))
        widths.append(width)
        inks.append(ink)
        if not line.junction:
            long, broad = 0.022 + 0.006 * width, 0.008 + 0.004 * width
            back = (end[0] - long * along, end[1] - long * aside)
            heads.append(
                Polygon(
                    [
                        (end[0] + 0.006 * along, end[1] + 0.006 * aside),
                        (back[0] - broad * aside, back[1] + broad * along),
                        (back[0] + broad * aside, back[1] - broad * along),
                    ]
                )
            )
            tips.append(ink)
    ax.add_collection(PathCollection(paths, facecolors="none", edgecolors=inks, linewidths=widths, zorder=1))
    ax.add_collection(PatchCollection(heads, facecolors=tips, edgecolors="none", zorder=2))


def _grey(share: float) -> str:
    """Return a darker grey for a stronger connection."""
    return f"{0.84 - 0.5 * share**0.6:.3f}"


def _arc(
    pre: tuple[float, float], post: tuple[float, float], from_: float, upto: float, bend: float
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]] | None:
    """Return a curve between two discs: start, control point, end, and its direction at the end."""
    across, upwards = post[0] - pre[0], post[1] - pre[1]
    length = (across**2 + upwards**2) ** 0.5
    if length <= from_ + upto:
        return None
    middle = (
        (pre[0] + post[0]) / 2 - bend * upwards,
        (pre[1] + post[1]) / 2 + bend * across,
    )
    last = (post[0] - middle[0], post[1] - middle[1])
    size = (last[0] ** 2 + last[1] ** 2) ** 0.5
    along, aside = last[0] / size, last[1] / size
    start = (pre[0] + across / length * from_, pre[1] + upwards / length * from_)
    return start, middle, (post[0] - along * upto, post[1] - aside * upto), (along, aside)


def _labels(
    ax: Axes,
    names: Sequence[str],
    positions: Sequence[tuple[float, float]],
    reach: Sequence[float],
    selected: Collection[int],
) -> None:
    """Draw the names of the selected and then of the largest neurons, as far as they do not overlap."""
    from matplotlib.patheffects import withStroke

    boxes: list[tuple[float, float, float, float]] = []
    order = sorted(range(len(names)), key=lambda neuron: (neuron not in selected, -reach[neuron], neuron))
    for neuron in order:
        if len(boxes) >= _LABELS:
            break
        name = drawable_text(names[neuron], _LONGEST)
        x, y = positions[neuron]
        wide, tall, low = 0.0125 * len(name) + 0.02, 0.026, y - reach[neuron] - 0.03
        x = min(max(x, wide - _EDGE), _EDGE - wide)
        box = (x - wide, low - tall, x + wide, low + tall)
        if any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in boxes
        ):
            continue
        boxes.append(box)
        ax.text(
            x,
            low,
            name,
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold" if neuron in selected else "normal",
            color=INK,
            parse_math=False,
            zorder=4,
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )


def _legend(figure: Figure, colours: ColorEncoding, title: str, lines: Sequence[Any]) -> None:
    from matplotlib.lines import Line2D

    def disc(number: int) -> Line2D:
        return Line2D([], [], linestyle="none", marker="o", markersize=8, color=colours.colours[number])

    if colours.ends is None:
        entries: list[tuple[Line2D, str]] = []
    else:
        steps = len(colours.colours) - 2
        low, high = colours.ends
        entries = [(disc(0), low), (disc(steps // 2), "…"), (disc(steps), high)]
    entries += [(disc(number), f"{_short(label)} · {count:,}") for label, number, count in colours.labels]
    strongest = max((line.count for line in lines if not line.junction), default=None)
    if strongest is not None:
        text = f"up to {format_value(strongest)} synapse{'' if strongest == 1 else 's'}"
        entries.append((Line2D([], [], color="0.4", linewidth=2.5, marker=">", markevery=[1]), text))
    if any(line.junction for line in lines):
        entries.append((Line2D([], [], color=JUNCTION, linewidth=2.5), "gap junction"))
    longest = max((len(label) for _, label in entries), default=0)
    draw_legend(
        figure,
        [handle for handle, _ in entries],
        [label for _, label in entries],
        title=drawable_text(title, _LONGEST_TITLE) if entries and title else None,
        loc="lower center",
        ncols=max(1, min(len(entries), 6 if longest <= _LONGEST else 4)),
        frameon=False,
        fontsize=9,
        title_fontsize=9,
        columnspacing=1.4,
        handletextpad=0.4,
        bbox_to_anchor=(0.5, 0.0),
    )


def _short(label: str) -> str:
    return drawable_text(label, _LONGEST + 4)
