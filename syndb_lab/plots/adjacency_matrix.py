"""The adjacency matrix, with its neurons sorted by community."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from syndb_lab.plots.style import INK, VERMILION, add_note, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_BORDERS = 20  # more of them would hide the matrix
_SMALLEST_SHARE = 0.015  # communities below this get no border of their own


def draw_adjacency(ax: Axes, answer: Mapping[str, Any]) -> None:
    """Draw the density of connections between groups of neurons, sorted by community, the largest first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The Axes to draw on.
    answer : mapping
        The answer of a graph job, with ``communities``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> sketch = {"cells": 2, "neurons_per_cell": 1.0, "pre": [0], "post": [1]}
    >>> sketch |= {"connections": [3], "borders": [0]}
    >>> found = {"count": 1, "modularity": 0.0, "sizes": [2], "adjacency": sketch}
    >>> draw_adjacency(ax, {"communities": found})
    >>> ax.get_images()[0].get_array().shape
    (2, 2)
    """
    import numpy as np
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    found = answer["communities"]
    sketch, cells = found["adjacency"], found["adjacency"]["cells"]
    quality = "" if found["modularity"] is None else f", modularity {found['modularity']:.2f}"
    style_axes(ax, "Communities", f"{found['count']:,} of them{quality}")
    if not sketch["connections"]:
        add_note(ax, "no connections")
        return
    shares = np.full((cells, cells), np.nan)
    shares[sketch["pre"], sketch["post"]] = np.array(sketch["connections"]) / sketch["neurons_per_cell"] ** 2
    neurons = sum(found["sizes"])
    norm = LogNorm(float(np.nanmin(shares)) / 2, float(np.nanmax(shares)))
    drawn = ax.imshow(
        shares,
        cmap="Blues",
        norm=norm,
        extent=(0, neurons, neurons, 0),
        interpolation="nearest",
        aspect="auto",
    )
    borders = [
        border
        for border, size in zip(sketch["borders"], found["sizes"], strict=True)
        if border and size >= _SMALLEST_SHARE * neurons
    ]
    for border in borders if len(borders) <= _MAX_BORDERS else ():
        ax.axhline(border, color=VERMILION, linewidth=0.4)
        ax.axvline(border, color=VERMILION, linewidth=0.4)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.set_xlabel("postsynaptic neurons", fontsize=11, color=INK)
    ax.set_ylabel("presynaptic neurons", fontsize=11, color=INK)
    if sketch["neurons_per_cell"] > 1:
        bar = ax.figure.colorbar(drawn, ax=ax, pad=0.02)
        bar.set_label("share of possible connections", fontsize=10, color=INK)
