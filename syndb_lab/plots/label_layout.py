"""Positions of labels: near connected labels, and without overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Points = npt.NDArray[np.float64]

Point = tuple[float, float]

_ROUNDS = 300
_GAPS = (1.0, 0.6, 0.3, 0.1)  # shares of the requested gap; the last one that fits is used
_BY_RANK = 0.7  # weight of the rank; the weight of the distance is the remaining 0.3
_CROWD = 24  # this many boxes or more use the whole canvas


def layout_labels(
    sizes: Mapping[str, Point],
    connections: Sequence[Mapping[str, Any]],
    canvas: Point,
    seed: int,
    gap: Point = (14.0, 13.0),
) -> dict[str, Point]:
    """Lay out labelled boxes: springs first (Fruchterman & Reingold 1991), then overlaps are removed.

    Parameters
    ----------
    sizes : mapping of str to (width, height)
        Size of each box.
    connections : sequence of mappings
        ``pre``, ``post`` and ``synapse_count``; stronger connections pull harder.
    canvas : (width, height)
        Area that contains all boxes, in the unit of the sizes.
    seed : int
        Seed of the springs; the same seed gives the same layout.
    gap : (across, upwards)
        Free space between two boxes, if the canvas is large enough.

    Returns
    -------
    dict of str to (x, y)
        The center of each box.

    Examples
    --------
    >>> layout_labels({"only": (40, 12)}, [], (100, 50), seed=0)
    {'only': (50.0, 25.0)}
    """
    import networkx
    import numpy as np

    graph = networkx.Graph()
    graph.add_nodes_from(sizes)
    for connection in connections:
        ends = connection["pre"], connection["post"]
        pull = (
            float(np.sqrt(connection["synapse_count"]))
            + graph.get_edge_data(*ends, {"weight": 0.0})["weight"]
        )
        graph.add_edge(*ends, weight=pull)
    if len(graph) > 1:
        springs = networkx.spring_layout(graph, k=2.2 / len(graph) ** 0.5, iterations=300, seed=seed)
        positions = np.array([springs[node] for node in sizes])
    else:
        positions = np.zeros((1, 2))
    half = np.array(list(sizes.values())) / 2
    positions = _spread(positions, half, np.array(canvas))
    for share in _GAPS:
        positions = _apart(positions, half + share * np.array(gap) / 2, half, np.array(canvas))
    return {node: (float(x), float(y)) for node, (x, y) in zip(sizes, positions, strict=True)}


def _spread(positions: Points, half: Points, canvas: Points) -> Points:
    """Stretch a layout over the canvas, by distance and by rank, which spreads out dense parts."""
    import numpy as np

    low, high = positions.min(axis=0), positions.max(axis=0)
    extent = np.where(high > low, high - low, 1)
    by_distance = np.where(high > low, (positions - low) / extent, 0.5)
    ranks = positions.argsort(axis=0).argsort(axis=0)
    by_rank = ranks / (len(positions) - 1) if len(positions) > 1 else np.full_like(positions, 0.5)
    free = (canvas - 2 * half.max(axis=0)) * min(1.0, (len(positions) / _CROWD) ** 0.5)
    spread: Points = canvas / 2 + ((1 - _BY_RANK) * by_distance + _BY_RANK * by_rank - 0.5) * free
    return spread


def _apart(positions: Points, reach: Points, half: Points, canvas: Points) -> Points:
    """Move overlapping boxes along the shorter direction, until none overlap or after ``_ROUNDS`` rounds."""
    import numpy as np

    positions = positions.copy()
    for _ in range(_ROUNDS):
        offset = positions[:, None] - positions[None]
        overlap = reach[:, None] + reach[None] - np.abs(offset)
        clash = (overlap > 0).all(axis=2) & ~np.eye(len(positions), dtype=bool)
        if not clash.any():
            break
        shorter = overlap.argmin(axis=2)
        order = np.sign(np.arange(len(positions))[:, None] - np.arange(len(positions))[None])
        for axis in (0, 1):
            side = np.where(offset[..., axis] == 0, order, np.sign(offset[..., axis]))
            push = np.where(clash & (shorter == axis), overlap[..., axis] * side, 0)
            positions[:, axis] += 0.3 * push.sum(axis=1)
        positions = np.clip(positions, half, canvas - half)
    return positions
