"""The figure of an answer: a page of panels for a full analysis, one panel per result for the others."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from syndb_lab.plots.adjacency_matrix import draw_adjacency
from syndb_lab.plots.curves import draw_reachability, draw_rich_club
from syndb_lab.plots.degree_distribution import draw_degrees
from syndb_lab.plots.hub_subnetwork import draw_subnetwork
from syndb_lab.plots.motifs import draw_comparison, draw_motifs, draw_significance
from syndb_lab.plots.shortest_path import draw_route, rows_of
from syndb_lab.plots.style import INK, MUTED, drawable_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel: TypeAlias = "Callable[[Axes, Mapping[str, Any]], None]"

_TITLE_LETTERS = 68  # fit in the width at full font size
_LONGEST_TITLE = 160
_SOURCE_LETTERS = 180


def draw(answer: Mapping[str, Any]) -> Figure:
    """Draw the answer of a graph job, 1600 pixels wide.

    Parameters
    ----------
    answer : mapping
        The result of a graph job.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to a window; ``figure.savefig("connectome.png")`` writes it.

    Examples
    --------
    ``figure = draw(job.result())``, then ``figure.savefig("connectome.png")``.
    """
    if answer.get("analysis", "full") == "full":
        return draw_full(answer)
    panels = [
        (wide, _height(key, wide, answer), panel)
        for key, wide, panel in _PANELS
        if key in answer and not _is_superseded(key, answer)
    ]
    height = _HEAD + sum(tall for _, tall, _ in panels)
    figure = _page(height)
    _head(figure, answer, height)
    _stack(figure, panels, height - _HEAD, answer)
    return figure


def _stack(
    figure: Figure, panels: Sequence[tuple[bool, float, Panel]], top: float, answer: Mapping[str, Any]
) -> None:
    """Draw panels one below the other, from ``top`` (in inches) downwards."""
    height = figure.get_figheight()
    for wide, tall, panel in panels:
        bottom, left, width = top - tall, (0.055 if wide else 0.2), (0.925 if wide else 0.6)
        below = _BELOW_TRIADS if panel in (draw_motifs, draw_significance) else _BELOW
        axes = figure.add_axes((left, (bottom + below) / height, width, (0.93 * tall - below) / height))
        panel(axes, answer)
        top = bottom


def draw_full(answer: Mapping[str, Any]) -> Figure:
    """Draw a full analysis on a page of 1600 by 1150 pixels, or 1590 with reachability and communities.

    Optional results (motif significance, a path, a comparison) are drawn below.

    Parameters
    ----------
    answer : mapping
        The result of a graph job, ``analysis`` = ``full``.

    Returns
    -------
    matplotlib.figure.Figure
        Not bound to a window; ``figure.savefig("connectome.png")`` writes it.

    Examples
    --------
    ``figure = draw_full(job.result())``, then ``figure.savefig("connectome.png")``.
    """
    more = [
        (key, panel)
        for key, panel in (
            ("reachability", draw_reachability),
            ("rich_club", draw_rich_club),
            ("communities", draw_adjacency),
        )
        if key in answer
    ]
    optional = [
        (wide, _height(key, wide, answer), panel)
        for key, wide, panel in _PANELS
        if key in answer and key in _OPTIONAL
    ]
    below = sum(tall for _, tall, _ in optional)
    extra = below + (_EXTRA if more else 0.0)
    height = _PAGE + extra
    figure = _page(height)
    _head(figure, answer, height)

    def panel_box(left: float, bottom: float, width: float, tall: float) -> tuple[float, float, float, float]:
        return left, (bottom * _PAGE + extra) / height, width, tall * _PAGE / height

    draw_degrees(figure.add_axes(panel_box(0.055, 0.475, 0.30, 0.39)), answer)
    draw_subnetwork(figure.add_axes(panel_box(0.39, 0.43, 0.59, 0.435)), answer)
    draw_motifs(figure.add_axes(panel_box(0.055, 0.165, 0.925, 0.205)), answer)
    for number, (_, panel) in enumerate(more):
        panel(figure.add_axes((0.055 + number * 0.33, (below + 1.25) / height, 0.265, 3.1 / height)), answer)
    _stack(figure, optional, below, answer)
    return figure


_PAGE, _EXTRA = 11.5, 4.4  # inches
_HEAD, _WIDE, _NARROW = 1.3, 5.6, 6.4
_BELOW, _BELOW_TRIADS = 1.15, 2.2
_OPTIONAL = {"motif_significance", "shortest_path", "compare"}
_PANELS: tuple[tuple[str, bool, Panel], ...] = (
    ("in_degree", False, draw_degrees),
    ("triadic_census", True, draw_motifs),
    ("motif_significance", True, draw_significance),
    ("reachability", False, draw_reachability),
    ("strongest_subnetwork", False, draw_subnetwork),
    ("rich_club", False, draw_rich_club),
    ("communities", False, draw_adjacency),
    ("shortest_path", True, draw_route),
    ("compare", False, draw_comparison),
)
"""Key in an answer, whether its panel takes the full width, and the function that draws it."""


def _height(key: str, wide: bool, answer: Mapping[str, Any]) -> float:
    if key == "shortest_path":
        return 1.9 + 1.1 * rows_of(answer)
    return _WIDE if wide else _NARROW


def _is_superseded(key: str, answer: Mapping[str, Any]) -> bool:
    return key == "triadic_census" and "motif_significance" in answer


def _page(height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(16, height), dpi=100, facecolor="white")


def _head(figure: Figure, answer: Mapping[str, Any], height: float) -> None:
    title = drawable_text(_title(answer["dataset"]), _LONGEST_TITLE)
    size = min(21.0, 21.0 * _TITLE_LETTERS / max(len(title), 1))
    source = textwrap.fill(
        drawable_text(_source(answer["dataset"])), _SOURCE_LETTERS, max_lines=2, placeholder=" …"
    )
    figure.text(
        0.022,
        1 - 0.49 / height,
        title,
        fontsize=size,
        fontweight="bold",
        color=INK,
        va="center",
        parse_math=False,
    )
    figure.text(
        0.022,
        1 - 0.92 / height,
        " · ".join(_summary_numbers(answer)),
        fontsize=13,
        color=INK,
        va="center",
        parse_math=False,
    )
    figure.text(0.022, 0.138 / height, source, fontsize=10, color=MUTED, va="bottom", parse_math=False)


def _title(dataset: Mapping[str, Any]) -> str:
    return str(dataset.get("title") or dataset.get("name") or dataset.get("id") or "Connectome")


def _summary_numbers(answer: Mapping[str, Any]) -> list[str]:
    """Return the measures for the line under the title, without undefined ones."""
    path = answer.get("mean_shortest_path")
    about = "≈ " if path is not None and not answer["paths"]["exact"] else ""
    numbers = [
        f"{answer['neuron_count']:,} neurons",
        f"{answer['connection_count']:,} connections",
        f"{answer['synapse_count']:,} synapses",
        _round_for_display("reciprocity", answer.get("reciprocity")),
        _round_for_display("clustering", answer.get("mean_clustering_coefficient")),
        None if path is None else f"mean shortest path {about}{path:.2f}",
    ]
    return [number for number in numbers if number]


def _round_for_display(name: str, value: float | None) -> str | None:
    return None if value is None else f"{name} {value:.3g}"


def _source(dataset: Mapping[str, Any]) -> str:
    citation, doi, version = (str(dataset.get(key) or "") for key in ("citation", "doi", "version"))
    parts = [citation, "" if doi in citation else f"doi:{doi}", f"version {version}" if version else ""]
    return " · ".join(part for part in parts if part)
