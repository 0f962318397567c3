"""Positions of neurons in a picture: near their partners, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Points = npt.NDArray[np.float64]

_ROUNDS = 240
_PAIRWISE = 400  # above this number, cells of a grid push in place of single neurons
_CELLS = 24
_GRAVITY = 0.06
_MIN_DISTANCE = 1.1  # of the distance of evenly spread neurons; closer ones are moved
_PUSHES = 60
_WIDE = 1.7


def layout_neurons(
    neurons: int, links: Sequence[tuple[int, int, float]], seed: int
) -> list[tuple[float, float]]:
    """Lay out a graph by springs (Fruchterman & Reingold 1991) in a field wider than it is high.

    Parameters
    ----------
    neurons : int
        Number of neurons.
    links : sequence of (int, int, float)
        Two neurons, and the strength of the spring between them.
    seed : int
        Seed of the layout; the same seed gives the same layout.

    Returns
    -------
    list of (float, float)
        x between -1.7 and 1.7, y between -1 and 1.

    Examples
    --------
    >>> layout_neurons(1, [], seed=1)
    [(0.0, 0.0)]
    """
    import numpy as np

    if neurons < 2:
        return [(0.0, 0.0)] * neurons
    positions = np.random.default_rng(seed).uniform(-0.5, 0.5, (neurons, 2))
    ends = np.array([link[:2] for link in links], np.int64).reshape(-1, 2)
    pull = np.log1p(np.array([link[2] for link in links], np.float64))
    load = np.bincount(ends.ravel(), np.repeat(pull, 2), minlength=neurons)
    pull = pull / np.maximum((load[ends[:, 0]] * load[ends[:, 1]]) ** 0.25, 1e-9)  # weaker springs for hubs
    spacing = 1 / np.sqrt(neurons)
    for heat in np.linspace(0.12, 0.002, _ROUNDS if neurons <= _PAIRWISE else _ROUNDS // 2):
        pushed = (
            _repulsion(positions, positions, np.ones(neurons), spacing)
            if neurons <= _PAIRWISE
            else _push_by_cells(positions, spacing)
        )
        force = pushed + _attraction(positions, ends, pull, spacing) - _GRAVITY * positions / spacing
        length = np.maximum(np.hypot(force[:, 0], force[:, 1]), 1e-12)
        positions = positions + force / length[:, None] * np.minimum(length, heat)[:, None]
    return [(float(x), float(y)) for x, y in _remove_overlaps(_rescale(positions))]


def _repulsion(positions: Points, others: Points, weights: Points, spacing: float) -> Points:
    """Sum the forces that push each neuron: from other neurons, or from cells of several neurons."""
    import numpy as np

    across, upwards = (positions[:, None, axis] - others[None, :, axis] for axis in (0, 1))
    push = spacing**2 * weights / np.maximum(across**2 + upwards**2, (spacing / 8) ** 2)
    return np.stack([(push * across).sum(1), (push * upwards).sum(1)], axis=1)


def _push_by_cells(positions: Points, spacing: float) -> Points:
    """Sum the forces that push each neuron, from the mean position of each cell of a grid."""
    import numpy as np

    low, high = positions.min(axis=0), positions.max(axis=0)
    cells = np.minimum((positions - low) / np.maximum(high - low, 1e-9) * _CELLS, _CELLS - 1).astype(np.int64)
    _, cell, counts = np.unique(cells @ [_CELLS, 1], return_inverse=True, return_counts=True)
    middles = np.stack([np.bincount(cell, positions[:, axis]) for axis in (0, 1)], axis=1) / counts[:, None]
    return _repulsion(positions, middles, counts.astype(np.float64), spacing)


def _attraction(positions: Points, ends: npt.NDArray[np.int64], pull: Points, spacing: float) -> Points:
    """Sum the forces that pull each neuron towards its partners, stronger over longer distances."""
    import numpy as np

    pre, post = ends[:, 0], ends[:, 1]
    offset = positions[post] - positions[pre]
    force = offset * (pull * np.hypot(offset[:, 0], offset[:, 1]) / spacing)[:, None]
    return np.stack(
        [
            np.bincount(pre, force[:, axis], minlength=len(positions))
            - np.bincount(post, force[:, axis], minlength=len(positions))
            for axis in (0, 1)
        ],
        axis=1,
    )


def _rescale(positions: Points) -> Points:
    """Scale a layout to the field; the outermost neurons touch its border, the middle is spread out."""
    import numpy as np

    positions = positions - np.median(positions, axis=0)
    radius = np.hypot(positions[:, 0], positions[:, 1])
    rank = (radius.argsort(kind="stable").argsort(kind="stable") + 0.5) / len(positions)
    wanted = 0.35 * radius / max(float(radius.max()), 1e-9) + 0.65 * np.sqrt(rank)
    positions = positions / np.maximum(radius, 1e-9)[:, None] * wanted[:, None]
    reach = np.maximum(np.abs(positions).max(axis=0), 1e-9)
    return np.asarray(positions / reach * np.array([_WIDE, 1.0]))


def _remove_overlaps(positions: Points) -> Points:
    """Move neurons that overlap."""
    import numpy as np
    from scipy.spatial import cKDTree

    min_distance = _MIN_DISTANCE * np.sqrt(_WIDE / len(positions))
    field = np.array([_WIDE, 1.0])
    for _ in range(_PUSHES):
        pairs = cKDTree(positions).query_pairs(min_distance, output_type="ndarray")
        if not len(pairs):
            break
        offset = positions[pairs[:, 0]] - positions[pairs[:, 1]]
        gap = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 1e-9)
        push = 0.3 * offset * ((min_distance - gap) / gap)[:, None]
        for axis in (0, 1):
            positions[:, axis] += np.bincount(pairs[:, 0], push[:, axis], minlength=len(positions))
            positions[:, axis] -= np.bincount(pairs[:, 1], push[:, axis], minlength=len(positions))
        positions = np.clip(positions, -field, field)
    return positions


def edge_arrays(part: Any) -> list[tuple[int, int, float]]:
    """List the connections of a sub-network with their weights."""
    return [(line.pre, line.post, max(float(line.count), 0.0)) for line in part.lines]
