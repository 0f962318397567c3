"""How far neurons are from each other: breadth-first search from many at once.

Sixty-four searches share one pass over the connections, one bit of a word each (Then et al. 2014, "The more
the merrier", doi:10.14778/2735496.2735507). A pass reads the rows of the neurons that were just reached and
no others, so a long thin graph, with a pass for each of its many levels, costs no more.
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
    """How many neurons lie how far from some sources.

    Parameters
    ----------
    pairs : int64 array of shape (hops + 1,)
        Pairs of a source and a neuron at exactly k hops from it; the sources themselves at k = 0.
    reached : int64 array of shape (sources,)
        Other neurons that each source reaches.
    lengths : int64 array of shape (sources,)
        Sum of the hops to them.
    complete : bool
        False if neurons lie beyond the most hops that were allowed.

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
    most: int | None = None,
    crew: ThreadPool | None = None,
    weights: Counts | None = None,
) -> Hops:
    """Count the neurons at each distance from each source, following the direction of connections.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    sources : int32 array of shape (sources,)
        Positions of distinct neurons.
    most : int, optional
        Go no further than this number of hops.
    crew : Crew, optional
        Does the work; one thread where not given.
    weights : int64 array of shape (n,), optional
        For how many each neuron counts where it is reached; 1 where not given.
    """
    batches = [sources[first : first + _WORD] for first in range(0, len(sources), _WORD)]
    far = connectome.neuron_count if most is None else most

    def search(batch: Index) -> Hops:
        return _search_batch(connectome, batch, far, weights)

    return _concat_hops((crew or ThreadPool()).map(search, batches, [len(batch) for batch in batches]))


def _concat_hops(batches: Iterable[Hops]) -> Hops:
    """Join what was found from different sources."""
    pairs = np.zeros(1, np.int64)
    reached, lengths, complete = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], True
    for batch in batches:
        longer, shorter = sorted((pairs, batch.pairs), key=len, reverse=True)
        pairs = longer + np.pad(shorter, (0, len(longer) - len(shorter)))
        reached.append(batch.reached)
        lengths.append(batch.lengths)
        complete = complete and batch.complete
    return Hops(pairs, np.concatenate(reached), np.concatenate(lengths), complete)


def _search_batch(connectome: Connectome, sources: Index, most: int, weights: Counts | None) -> Hops:
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
        most,
        *words,
        *lists,
        pairs,
        reached,
        lengths,
        complete,
    )
    return Hops(pairs[:levels].copy(), reached, lengths, bool(complete[0]))
