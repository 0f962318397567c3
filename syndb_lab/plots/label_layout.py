"""Where labels go: near what they are connected to, and never over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Points = npt.NDArray[np.float64]

Place = tuple[float, float]

_ROUNDS = 300
_GAPS = (1.0, 0.6, 0.3, 0.1)  # of the gap that is asked for: the last one that fits stays
_BY_RANK = 0.7  # the rest by distance
_CROWD = 24  # boxes that take the whole canvas


def layout_labels(
    sizes: Mapping[str, Place],
    connections: Sequence[Mapping[str, Any]],
    canvas: Place,
    seed: int,
    gap: Place = (14.0, 13.0),
) -> dict[str, Place]:
    """Lay out labelled boxes: springs first (Fruchterman & Reingold 1991), then overlaps pushed apart.

    Parameters
    ----------
    sizes : mapping of str to (width, height)
        Of each box.
    connections : sequence of mappings
        ``pre``, ``post`` and ``synapse_count``; stronger ones pull harder.
    canvas : (width, height)
        All boxes stay within, in the unit of the sizes.
    seed : int
        Of the springs; the same seed gives the same layout.
    gap : (across, upwards)
        Free space between two boxes, where there is room for it.

    Returns
    -------
    dict of str to (x, y)
        The middle of each box.

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
        at = np.array([springs[node] for node in sizes])
    else:
        at = np.zeros((1, 2))
    half = np.array(list(sizes.values())) / 2
    at = _spread(at, half, np.array(canvas))
    for share in _GAPS:
        at = _apart(at, half + share * np.array(gap) / 2, half, np.array(canvas))
    return {node: (float(x), float(y)) for node, (x, y) in zip(sizes, at, strict=True)}


def _spread(at: Points, half: Points, canvas: Points) -> Points:
    """Stretch a layout over the canvas, by distance and by rank so that no crowd forms."""
    import numpy as np

    low, high = at.min(axis=0), at.max(axis=0)
    extent = np.where(high > low, high - low, 1)
    by_distance = np.where(high > low, (at - low) / extent, 0.5)
    ranks = at.argsort(axis=0).argsort(axis=0)
    by_rank = ranks / (len(at) - 1) if len(at) > 1 else np.full_like(at, 0.5)
    room = (canvas - 2 * half.max(axis=0)) * min(1.0, (len(at) / _CROWD) ** 0.5)
    spread: Points = canvas / 2 + ((1 - _BY_RANK) * by_distance + _BY_RANK * by_rank - 0.5) * room
    return spread


def _apart(at: Points, reach: Points, half: Points, canvas: Points) -> Points:
    """Push overlapping boxes apart along the shorter way, until none overlap or the rounds are over."""
    import numpy as np

    at = at.copy()
    for _ in range(_ROUNDS):
        away = at[:, None] - at[None]
        overlap = reach[:, None] + reach[None] - np.abs(away)
        clash = (overlap > 0).all(axis=2) & ~np.eye(len(at), dtype=bool)
        if not clash.any():
            break
        shorter = overlap.argmin(axis=2)
        order = np.sign(np.arange(len(at))[:, None] - np.arange(len(at))[None])
        for axis in (0, 1):
            side = np.where(away[..., axis] == 0, order, np.sign(away[..., axis]))
            push = np.where(clash & (shorter == axis), overlap[..., axis] * side, 0)
            at[:, axis] += 0.3 * push.sum(axis=1)
        at = np.clip(at, half, canvas - half)
    return at
