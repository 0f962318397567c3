"""The rich club: neurons of high degree, more connected among themselves than their degrees imply."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.degrees import Degrees
from syndb_service.graph.model.connectome import Connectome, Counts
from syndb_service.graph.null_models.rewiring import rewire

MAX_DEGREES = 120
"""Maximum number of degrees at which the curve is computed."""


def rich_club(
    connectome: Connectome,
    degrees: Degrees,
    samples: int,
    seed: int,
    *,
    keep_reciprocity: bool = False,
    thread_pool: ThreadPool | None = None,
) -> dict[str, Any]:
    """Measure the rich-club coefficient by degree, normalized by rewired graphs of the same degrees.

    phi(k) is the share of the possible connections that exist among neurons of a total degree above k
    (Colizza et al. 2006, doi:10.1038/nphys209, directed as in Towlson et al. 2013,
    doi:10.1523/JNEUROSCI.3784-12.2013). ``normalised`` above 1 means that they are more connected among
    themselves than in the mean rewired graph.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    degrees : Degrees
        Degrees of the same graph.
    samples : int
        Number of rewired graphs, at least 1.
    seed : int
        Seed of the rewiring.
    keep_reciprocity : bool
        Whether the rewired graphs keep every neuron's number of mutual partners.
    thread_pool : ThreadPool, optional
        Runs one sample at a time in each thread.

    Returns
    -------
    dict
        Lists of the same length: ``degree`` k (up to 120 of them, evenly spread over the distinct degrees),
        ``neurons`` above it, ``connections`` among them, ``coefficient``, ``random_mean`` and
        ``random_standard_deviation`` of the coefficient, ``normalised`` (None if no rewired graph has a
        connection there); and ``samples``, ``keep_reciprocity``, ``seed``.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.measures.degrees import count_degrees
    >>> graph = connectome_from_edges(5, [(0, 1), (1, 2), (2, 0), (0, 3), (1, 4)])
    >>> club = rich_club(graph, count_degrees(graph), 10, 0)
    >>> club["degree"], club["neurons"], club["connections"]
    ([0, 1, 2], [5, 3, 2], [5, 3, 1])
    """
    total = degrees.total
    distinct = np.unique(np.append(0, total))[:-1]
    chosen = np.unique(np.linspace(0, len(distinct) - 1, MAX_DEGREES).round().astype(np.int64))
    shown = distinct[chosen] if len(distinct) else distinct
    above = len(total) - np.searchsorted(np.sort(total), shown, side="right")
    possible = above * (above - 1)
    shown, above, possible = (values[possible > 0] for values in (shown, above, possible))

    def among(graph: Connectome) -> Counts:
        lower = np.sort(np.minimum(total[graph.pre], total[graph.post]))
        return len(lower) - np.searchsorted(lower, shown, side="right")

    def sample(number: int) -> Counts:
        return among(rewire(connectome, (seed, number), keep_reciprocity=keep_reciprocity))

    observed = among(connectome)
    drawn = np.array((thread_pool or ThreadPool()).map(sample, range(samples)))
    mean, deviation = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) if samples > 1 else None
    return {
        "degree": shown.tolist(),
        "neurons": above.tolist(),
        "connections": observed.tolist(),
        "coefficient": (observed / possible).tolist(),
        "random_mean": (mean / possible).tolist(),
        "random_standard_deviation": None if deviation is None else (deviation / possible).tolist(),
        "normalised": [
            seen / usual if usual else None
            for seen, usual in zip(observed.tolist(), mean.tolist(), strict=True)
        ],
        "samples": samples,
        "keep_reciprocity": keep_reciprocity,
        "seed": seed,
    }
