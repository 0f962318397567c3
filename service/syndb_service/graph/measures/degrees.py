"""Degrees and strengths: the numbers of partners and of synapses of a neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from syndb_service.graph.model.connectome import MUTUAL, Connectome, Counts, Index


@dataclass(frozen=True, slots=True, eq=False)
class Degrees:
    """Degrees (distinct partners) and strengths (synapses) of n neurons; all int64 of shape (n,)."""

    in_degree: Counts
    out_degree: Counts
    in_strength: Counts
    out_strength: Counts

    @property
    def total(self) -> Counts:
        """In-degree plus out-degree: a partner in both directions counts twice."""
        return self.in_degree + self.out_degree


def count_degrees(connectome: Connectome) -> Degrees:
    """Count partners and synapses of every neuron, in and out.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> degrees = count_degrees(connectome_from_edges(3, [(0, 1), (2, 1)], [5, 2]))
    >>> degrees.in_degree.tolist(), degrees.in_strength.tolist(), degrees.total.tolist()
    ([0, 2, 0], [0, 7, 0], [1, 2, 1])
    """
    n = connectome.neuron_count
    synapses = connectome.synapse_count

    def per_neuron(ends: Index, weights: Counts | None = None) -> Counts:
        return np.bincount(ends, weights, minlength=n).astype(np.int64)

    return Degrees(
        in_degree=per_neuron(connectome.post),
        out_degree=per_neuron(connectome.pre),
        in_strength=per_neuron(connectome.post, synapses),
        out_strength=per_neuron(connectome.pre, synapses),
    )


def distribution(values: Counts) -> dict[str, Any]:
    """Summarize a count per neuron: mean, maximum and distribution.

    Returns
    -------
    dict
        ``mean`` and ``max`` (None without neurons), ``distribution`` as two lists of the same length:
        ``values``, ascending, and ``counts``, the number of neurons with each.

    Examples
    --------
    >>> distribution(np.array([0, 2, 2]))
    {'mean': 1.3333333333333333, 'max': 2, 'distribution': {'values': [0, 2], 'counts': [1, 2]}}
    """
    distinct, counts = np.unique(values, return_counts=True)
    return {
        "mean": int(values.sum()) / len(values) if len(values) else None,
        "max": int(distinct[-1]) if len(values) else None,
        "distribution": {"values": distinct.tolist(), "counts": counts.tolist()},
    }


def density(connectome: Connectome) -> float | None:
    """Return the share of the n (n-1) possible connections that exist; None below two neurons.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> density(connectome_from_edges(2, [(0, 1)])), density(connectome_from_edges(1, []))
    (0.5, None)
    """
    n = connectome.neuron_count
    return connection_share(connectome.connection_count, n * (n - 1))


def reciprocity(connectome: Connectome) -> float | None:
    """Return the share of connections that are returned; None without connections.

    The definition of Garlaschelli & Loffredo 2004 (doi:10.1103/PhysRevLett.93.268701), before their
    correction for density; NetworkX's ``overall_reciprocity``.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> reciprocity(connectome_from_edges(3, [(0, 1), (1, 0), (1, 2), (0, 2)]))
    0.5
    """
    returned = int(np.count_nonzero(connectome.dyads.kind == MUTUAL))
    return connection_share(returned, connectome.connection_count)


def connection_share(part: int, total: int) -> float | None:
    """Return ``part`` divided by ``total``; None if ``total`` is 0."""
    return part / total if total else None
