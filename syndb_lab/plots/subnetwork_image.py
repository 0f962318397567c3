"""A sub-network as a still picture: what a notebook keeps of the interactive one."""

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
    places: Sequence[tuple[float, float]],
    lines: Sequence[Any],
    colours: ColorEncoding,
    radii: Sequence[float],
    *,
    title: str = "",
    selected: Collection[int] = (),
) -> Figure:
    """Draw neurons as discs and connections as arrows, as wide as strong; gap junctions have no head.

    Parameters
    ----------
    names : sequence of str
        Of the neurons.
    places : sequence of (float, float)
        From ``place_neurons``.
    lines : sequence of Line
        The connections, the strongest first.
    colours : Paint
        Of the neurons.
    radii : sequence of float
        Of the neurons, as shares of the largest.
    title : str
        What the colours and the sizes mean.
    selected : collection of int
        Places of the neurons to be ringed.

    Returns
    -------
    matplotlib.figure.Figure
        Bound to no window.
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
    _connections(ax, places, lines, reach)
    _discs(ax, places, reach, colours, selected)
    _labels(ax, names, places, reach, selected)
    _legend(figure, colours, title, lines)
    return figure


def png(figure: Figure) -> bytes:
    """Write a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _discs(
    ax: Axes,
    places: Sequence[tuple[float, float]],
    reach: Sequence[float],
    colours: ColorEncoding,
    selected: Collection[int],
) -> None:
    from matplotlib.collections import EllipseCollection

    ringed = [place in selected for place in range(len(places))]
    ax.add_collection(
        EllipseCollection(
            [2 * radius for radius in reach],
            [2 * radius for radius in reach],
            [0.0] * len(reach),
            units="xy",
            offsets=list(places),
            offset_transform=ax.transData,
            facecolors=[colours.colours[number] for number in colours.of],
            edgecolors=[INK if ring else "white" for ring in ringed],
            linewidths=[2.6 if ring else 0.8 for ring in ringed],
            zorder=3,
        )
    )


def _connections(
    ax: Axes, places: Sequence[tuple[float, float]], lines: Sequence[Any], reach: Sequence[float]
) -> None:
    """Draw the weak ones first, and the two of a returned connection bent apart."""
    from matplotlib.collections import PatchCollection, PathCollection
    from matplotlib.patches import Polygon
    from matplotlib.path import Path

    most = max((float(line.count) for line in lines), default=1.0) or 1.0
    returned = {(line.pre, line.post) for line in lines if not line.junction}
    paths, widths, inks, heads, tips = [], [], [], [], []
    for line in reversed(lines):
        bend = 0.0 if line.junction or (line.post, line.pre) not in returned else 0.14
        drawn = _arc(places[line.pre], places[line.post], reach[line.pre], reach[line.post], bend)
        if drawn is None:
            continue
        start, middle, end, (along, aside) = drawn
        share = max(float(line.count), 0.0) / most
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
    """Return a line from rim to rim: start, control point and end, and its direction there."""
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
    places: Sequence[tuple[float, float]],
    reach: Sequence[float],
    selected: Collection[int],
) -> None:
    """Name the selected and then the largest neurons, as many as have room."""
    from matplotlib.patheffects import withStroke

    taken: list[tuple[float, float, float, float]] = []
    order = sorted(range(len(names)), key=lambda place: (place not in selected, -reach[place], place))
    for place in order:
        if len(taken) >= _LABELS:
            break
        name = drawable_text(names[place], _LONGEST)
        x, y = places[place]
        wide, tall, low = 0.0125 * len(name) + 0.02, 0.026, y - reach[place] - 0.03
        x = min(max(x, wide - _EDGE), _EDGE - wide)
        box = (x - wide, low - tall, x + wide, low + tall)
        if any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in taken
        ):
            continue
        taken.append(box)
        ax.text(
            x,
            low,
            name,
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold" if place in selected else "normal",
            color=INK,
            parse_math=False,
            zorder=4,
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )


def _legend(figure: Figure, colours: ColorEncoding, title: str, lines: Sequence[Any]) -> None:
    from matplotlib.lines import Line2D

    def disc(place: int) -> Line2D:
        return Line2D([], [], linestyle="none", marker="o", markersize=8, color=colours.colours[place])

    if colours.ends is None:
        known: list[tuple[Line2D, str]] = []
    else:
        steps = len(colours.colours) - 2
        low, high = colours.ends
        known = [(disc(0), low), (disc(steps // 2), "…"), (disc(steps), high)]
    known += [(disc(place), f"{_short(label)} · {count:,}") for label, place, count in colours.labels]
    most = max((line.count for line in lines if not line.junction), default=None)
    if most is not None:
        said = f"up to {format_value(most)} synapse{'' if most == 1 else 's'}"
        known.append((Line2D([], [], color="0.4", linewidth=2.5, marker=">", markevery=[1]), said))
    if any(line.junction for line in lines):
        known.append((Line2D([], [], color=JUNCTION, linewidth=2.5), "gap junction"))
    longest = max((len(label) for _, label in known), default=0)
    draw_legend(
        figure,
        [handle for handle, _ in known],
        [label for _, label in known],
        title=drawable_text(title, _LONGEST_TITLE) if known and title else None,
        loc="lower center",
        ncols=max(1, min(len(known), 6 if longest <= _LONGEST else 4)),
        frameon=False,
        fontsize=9,
        title_fontsize=9,
        columnspacing=1.4,
        handletextpad=0.4,
        bbox_to_anchor=(0.5, 0.0),
    )


def _short(label: str) -> str:
    return drawable_text(label, _LONGEST + 4)
