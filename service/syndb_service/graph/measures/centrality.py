"""Centrality of neurons: PageRank and core number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.model.connectome import MUTUAL, Connectome, Index

DAMPING = 0.85
CLOSE = 1e-12
"""Sum of the changes of all ranks at which the iteration ends."""
MAX_STEPS = 500

Ranks = npt.NDArray[np.float64]


def page_rank(connectome: Connectome) -> Ranks:
    """Return each neuron's PageRank, shape (n,), with sum 1; connections are weighted by their synapses.

    Brin & Page 1998 (doi:10.1016/S0169-7552(98)00110-X) with a damping of 0.85; a neuron without outgoing
    connections gives its rank to all neurons equally, as in NetworkX's ``pagerank`` of weighted edges.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> page_rank(connectome_from_edges(3, [(0, 1), (1, 0), (2, 1)])).round(3).tolist()
    [0.464, 0.486, 0.05]
    """
    n, incoming = connectome.neuron_count, connectome.incoming
    strength = np.bincount(connectome.pre, connectome.synapse_count, minlength=n)
    ends = strength == 0
    rank, passed = np.full(n, 1 / max(n, 1)), np.empty(n)
    for _ in range(MAX_STEPS):
        share = np.divide(rank, strength, out=np.zeros(n), where=~ends)
        base = (1 - DAMPING + DAMPING * float(rank[ends].sum())) / max(n, 1)
        kernel("pass_rank")(
            n,
            incoming.start,
            incoming.pre,
            incoming.connection,
            connectome.synapse_count,
            share,
            base,
            DAMPING,
            passed,
        )
        change = float(np.abs(passed - rank).sum())
        rank, passed = passed, rank
        if change <= CLOSE:
            break
    return rank


def core_numbers(connectome: Connectome) -> Index:
    """Return the largest k for which each neuron is in the k-core, shape (n,).

    The k-core remains when neurons of fewer than k connections, in and out together, are removed until there
    are none (Seidman 1983, doi:10.1016/0378-8733(83)90028-X; as in NetworkX and igraph for directed graphs).

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> core_numbers(connectome_from_edges(4, [(0, 1), (1, 0), (1, 2)])).tolist()
    [2, 2, 1, 0]
    """
    n, dyads = connectome.neuron_count, connectome.dyads
    times = 1 + (dyads.kind == MUTUAL)
    start = np.append(0, np.cumsum(times))[dyads.start].astype(np.int64)
    partner = np.repeat(dyads.partner, times)
    core, most = np.empty(n, np.int32), int(np.diff(start).max(initial=0))
    scratch = [np.empty(n, np.int32) for _ in range(3)]
    kernel("find_cores")(n, most, start, partner, *scratch, np.empty(most + 1, np.int64), core)
    return core
