"""Where neurons go in a picture: near those they are connected to, the same place for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Points = npt.NDArray[np.float64]

_ROUNDS = 240
_PAIRWISE = 400  # above it neurons push by cells of a grid
_CELLS = 24
_GRAVITY = 0.06
_ROOM = 1.1  # of the distance that evenly spread neurons would have: nearer ones are pushed apart
_PUSHES = 60
_WIDE = 1.7


def layout_neurons(
    neurons: int, links: Sequence[tuple[int, int, float]], seed: int
) -> list[tuple[float, float]]:
    """Lay out a graph by springs (Fruchterman & Reingold 1991) in a field wider than it is high.

    Parameters
    ----------
    neurons : int
        How many.
    links : sequence of (int, int, float)
        Two neurons each, and how strongly they pull at each other.
    seed : int
        The same one gives the same layout.

    Returns
    -------
    list of (float, float)
        Between -1.7 and 1.7, and between -1 and 1.

    Examples
    --------
    >>> layout_neurons(1, [], seed=1)
    [(0.0, 0.0)]
    """
    import numpy as np

    if neurons < 2:
        return [(0.0, 0.0)] * neurons
    at = np.random.default_rng(seed).uniform(-0.5, 0.5, (neurons, 2))
    ends = np.array([link[:2] for link in links], np.int64).reshape(-1, 2)
    pull = np.log1p(np.array([link[2] for link in links], np.float64))
    load = np.bincount(ends.ravel(), np.repeat(pull, 2), minlength=neurons)
    pull = pull / np.maximum((load[ends[:, 0]] * load[ends[:, 1]]) ** 0.25, 1e-9)  # a hub drags less
    apart = 1 / np.sqrt(neurons)
    for heat in np.linspace(0.12, 0.002, _ROUNDS if neurons <= _PAIRWISE else _ROUNDS // 2):
        pushed = (
            _repulsion(at, at, np.ones(neurons), apart) if neurons <= _PAIRWISE else _push_by_cells(at, apart)
        )
        force = pushed + _attraction(at, ends, pull, apart) - _GRAVITY * at / apart
        length = np.maximum(np.hypot(force[:, 0], force[:, 1]), 1e-12)
        at = at + force / length[:, None] * np.minimum(length, heat)[:, None]
    return [(float(x), float(y)) for x, y in _remove_overlaps(_rescale(at))]


def _repulsion(at: Points, others: Points, weights: Points, apart: float) -> Points:
    """Sum how hard each neuron is pushed by others, or by what stands for several of them."""
    import numpy as np

    across, upwards = (at[:, None, axis] - others[None, :, axis] for axis in (0, 1))
    push = apart**2 * weights / np.maximum(across**2 + upwards**2, (apart / 8) ** 2)
    return np.stack([(push * across).sum(1), (push * upwards).sum(1)], axis=1)


def _push_by_cells(at: Points, apart: float) -> Points:
    """Push by the middle of each cell of a grid in place of the neurons in it."""
    import numpy as np

    low, high = at.min(axis=0), at.max(axis=0)
    cells = np.minimum((at - low) / np.maximum(high - low, 1e-9) * _CELLS, _CELLS - 1).astype(np.int64)
    _, where, counts = np.unique(cells @ [_CELLS, 1], return_inverse=True, return_counts=True)
    middles = np.stack([np.bincount(where, at[:, axis]) for axis in (0, 1)], axis=1) / counts[:, None]
    return _repulsion(at, middles, counts.astype(np.float64), apart)


def _attraction(at: Points, ends: npt.NDArray[np.int64], pull: Points, apart: float) -> Points:
    """Sum how hard each neuron is pulled by those it is connected to: harder from further away."""
    import numpy as np

    pre, post = ends[:, 0], ends[:, 1]
    away = at[post] - at[pre]
    force = away * (pull * np.hypot(away[:, 0], away[:, 1]) / apart)[:, None]
    return np.stack(
        [
            np.bincount(pre, force[:, axis], minlength=len(at))
            - np.bincount(post, force[:, axis], minlength=len(at))
            for axis in (0, 1)
        ],
        axis=1,
    )


def _rescale(at: Points) -> Points:
    """Fill the field: the outermost neurons lie on its border, the crowd in the middle gets air."""
    import numpy as np

    at = at - np.median(at, axis=0)
    radius = np.hypot(at[:, 0], at[:, 1])
    rank = (radius.argsort(kind="stable").argsort(kind="stable") + 0.5) / len(at)
    wanted = 0.35 * radius / max(float(radius.max()), 1e-9) + 0.65 * np.sqrt(rank)
    at = at / np.maximum(radius, 1e-9)[:, None] * wanted[:, None]
    reach = np.maximum(np.abs(at).max(axis=0), 1e-9)
    return np.asarray(at / reach * np.array([_WIDE, 1.0]))


def _remove_overlaps(at: Points) -> Points:
    """Push neurons apart that lie on each other."""
    import numpy as np
    from scipy.spatial import cKDTree

    room = _ROOM * np.sqrt(_WIDE / len(at))
    field = np.array([_WIDE, 1.0])
    for _ in range(_PUSHES):
        pairs = cKDTree(at).query_pairs(room, output_type="ndarray")
        if not len(pairs):
            break
        away = at[pairs[:, 0]] - at[pairs[:, 1]]
        gap = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)
        push = 0.3 * away * ((room - gap) / gap)[:, None]
        for axis in (0, 1):
            at[:, axis] += np.bincount(pairs[:, 0], push[:, axis], minlength=len(at))
            at[:, axis] -= np.bincount(pairs[:, 1], push[:, axis], minlength=len(at))
        at = np.clip(at, -field, field)
    return at


def edge_arrays(part: Any) -> list[tuple[int, int, float]]:
    """List what pulls at what in a sub-network."""
    return [(line.pre, line.post, max(float(line.count), 0.0)) for line in part.lines]
