"""Breadth-first search from many neurons at once, for the distances between neurons.

64 searches share one pass over the connections, one bit of a word each (Then et al. 2014, "The more the
merrier", doi:10.14778/2735496.2735507). A pass reads only the rows of the neurons that were reached last, so
a graph with many levels, and a pass for each, costs no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.model.connectome import Connectome, Counts, Index

_WORD = 64  # sources searched at once, one bit each


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """The numbers of neurons by their distance from the sources.

    Parameters
    ----------
    pairs : int64 array of shape (hops + 1,)
        Pairs of a source and a neuron at exactly k hops from it; k = 0 counts the sources themselves.
    reached : int64 array of shape (sources,)
        Other neurons that each source reaches.
    lengths : int64 array of shape (sources,)
        Sum of the hops to these neurons.
    complete : bool
        False if there are neurons beyond the maximum number of hops.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> found = count_hops(connectome_from_edges(4, [(0, 1), (0, 2), (2, 3)]), np.array([0, 3], np.int32))
    >>> found.pairs.tolist(), found.reached.tolist(), found.lengths.tolist()
    ([2, 2, 1], [3, 0], [4, 0])
    """

    pairs: Counts
    reached: Counts
    lengths: Counts
    complete: bool


def count_hops(
    connectome: Connectome,
    sources: Index,
    max_hops: int | None = None,
    thread_pool: ThreadPool | None = None,
    weights: Counts | None = None,
) -> Hops:
    """Count the neurons at each distance from each source, following the direction of connections.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    sources : int32 array of shape (sources,)
        Positions of distinct neurons.
    max_hops : int, optional
        Maximum number of hops; unlimited by default.
    thread_pool : ThreadPool, optional
        Runs the work; one thread by default.
    weights : int64 array of shape (n,), optional
        The count that each reached neuron adds; 1 by default.
    """
    batches = [sources[first : first + _WORD] for first in range(0, len(sources), _WORD)]
    far = connectome.neuron_count if max_hops is None else max_hops

    def search(batch: Index) -> Hops:
        return _search_batch(connectome, batch, far, weights)

    return _concat_hops((thread_pool or ThreadPool()).map(search, batches, [len(batch) for batch in batches]))


def _concat_hops(batches: Iterable[Hops]) -> Hops:
    """Combine the results of different sources."""
    pairs = np.zeros(1, np.int64)
    reached, lengths, complete = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], True
    for batch in batches:
        longer, shorter = sorted((pairs, batch.pairs), key=len, reverse=True)
        pairs = longer + np.pad(shorter, (0, len(longer) - len(shorter)))
        reached.append(batch.reached)
        lengths.append(batch.lengths)
        complete = complete and batch.complete
    return Hops(pairs, np.concatenate(reached), np.concatenate(lengths), complete)


def _search_batch(connectome: Connectome, sources: Index, max_hops: int, weights: Counts | None) -> Hops:
    """Search from up to 64 sources, level by level."""
    n, count = connectome.neuron_count, len(sources)
    words = [np.zeros(n, np.uint64) for _ in range(3)]
    lists = [np.empty(n, np.int32) for _ in range(2)]
    pairs = np.empty(n + 1, np.int64)
    reached, lengths, complete = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(1, np.int32)
    levels = kernel("search_together")(
        n,
        connectome.start,
        connectome.post,
        weights,
        count,
        sources,
        max_hops,
        *words,
        *lists,
        pairs,
        reached,
        lengths,
        complete,
    )
    return Hops(pairs[:levels].copy(), reached, lengths, bool(complete[0]))
