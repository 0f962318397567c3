"""Significance of motifs: the triadic census compared with that of rewired graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.triad_census import TRIADS, triadic_census
from syndb_service.graph.measures.triangles import enumerate_triangles
from syndb_service.graph.model.connectome import Connectome
from syndb_service.graph.null_models.rewiring import rewire


def motif_significance(
    connectome: Connectome,
    samples: int,
    seed: int,
    *,
    keep_reciprocity: bool,
    thread_pool: ThreadPool | None = None,
) -> dict[str, Any]:
    """Compare the triadic census with that of rewired graphs of the same degrees.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    samples : int
        Number of rewired graphs, at least 1.
    seed : int
        Seed of all samples; sample k depends only on the seed and k.
    keep_reciprocity : bool
        Whether the rewired graphs keep every neuron's number of mutual partners.
    thread_pool : ThreadPool, optional
        Runs one sample at a time in each thread.

    Returns
    -------
    dict
        ``samples``, ``keep_reciprocity``, ``seed`` and ``motifs``: for
        each of the 16 its ``count``, the rewired graphs' ``mean`` and ``standard_deviation`` (n - 1; None of
        one sample), ``ratio`` of count to mean with its ``standard_error``, ``z_score`` and ``p_value``. The
        last is two-sided and empirical: (1 + samples as extreme) / (1 + samples) on the rarer side, doubled
        (North et al. 2002, doi:10.1086/341527), so that it can't be below 2 / (1 + samples).

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> ring = connectome_from_edges(8, [(i, (i + 1) % 8) for i in range(8)])
    >>> found = motif_significance(ring, 20, 0, keep_reciprocity=True)
    >>> found["motifs"]["021C"]["count"], found["motifs"]["300"]["z_score"]
    (8, None)
    """
    observed = triadic_census(connectome, enumerate_triangles(connectome, by_neuron=False))

    def sample(number: int) -> list[int]:
        drawn = rewire(connectome, (seed, number), keep_reciprocity=keep_reciprocity)
        return list(triadic_census(drawn, enumerate_triangles(drawn, by_neuron=False)).values())

    counts = zip(*(thread_pool or ThreadPool()).map(sample, range(samples)), strict=True)
    return {
        "samples": samples,
        "keep_reciprocity": keep_reciprocity,
        "seed": seed,
        "motifs": {
            name: _compare_with_samples(observed[name], list(column))
            for name, column in zip(TRIADS, counts, strict=True)
        },
    }


def _compare_with_samples(count: int, drawn: list[int]) -> dict[str, float | int | None]:
    """Compare a count with those of the samples, in exact integers until the last division."""
    samples, total = len(drawn), sum(drawn)
    mean = total / samples
    squares = sum((samples * each - total) ** 2 for each in drawn)
    deviation = float(np.sqrt(squares / samples**2 / (samples - 1))) if samples > 1 else None
    rarer = min(sum(each >= count for each in drawn), sum(each <= count for each in drawn))
    return {
        "count": count,
        "mean": mean,
        "standard_deviation": deviation,
        "ratio": count / mean if total else None,
        "standard_error": count / mean**2 * deviation / np.sqrt(samples).item()
        if total and deviation is not None
        else None,
        "z_score": (count - mean) / deviation if deviation else None,
        "p_value": min(1.0, 2 * (1 + rarer) / (1 + samples)),
    }
