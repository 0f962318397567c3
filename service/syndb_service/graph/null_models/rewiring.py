"""Random graphs with the degrees of a connectome, as a null model for its measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.model.connectome import FORWARD, MUTUAL, Connectome, Index, sort_by_row

TRIES = 10
"""Switches tried for each connection."""
MIN_TRIES = 2_000
"""Minimum number of tries, for small graphs, where few switches are possible."""
TRADES = 20
"""Global trades on a large graph: in each, all neurons exchange partners in random pairs."""
ROUNDS, LARGE_ROUNDS = 10, 5
"""Alternations between one-way connections and mutual pairs: neither can use a place of the other kind."""
LARGE = 50_000
"""Number of connections above which a graph is rewired by trades."""
SPARSE = 0.02
"""Density above which trades are not used if mutual pairs are kept: few would be possible."""
_AT_ONCE = 20_000_000  # tries between two checks for cancellation

Words = npt.NDArray[np.uint64]


def rewire(connectome: Connectome, seed: tuple[int, int], *, keep_reciprocity: bool) -> Connectome:
    """Return a random graph in which every neuron keeps its in-degree and its out-degree.

    Two connections a→b and c→d become a→d and c→b unless that makes a self-connection or repeats a
    connection, ten tries for each connection (Maslov & Sneppen 2002, doi:10.1126/science.1065103; Milo et al.
    2003, arXiv:cond-mat/0312028). With ``keep_reciprocity`` one-way connections and mutual pairs are switched
    separately and alternately, so that every neuron also keeps its number of partners of each kind. In graphs
    of more than 50,000 connections, 20 global trades redistribute all connections but the mutual pairs
    (Carstens et al. 2018, doi:10.4230/LIPIcs.ESA.2018.11): the same distribution, in less time. With
    ``keep_reciprocity`` the trades alternate with the pairs five times, and dense graphs of any size are
    switched.

    Parameters
    ----------
    connectome : Connectome
        The graph to start from; it is not changed.
    seed : tuple of two ints
        The job's seed and the number of the sample.
    keep_reciprocity : bool
        Whether every neuron also keeps its number of mutual partners.

    Returns
    -------
    Connectome
        The random graph; each connection has one synapse.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> graph = connectome_from_edges(6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 3)])
    >>> rewired = rewire(graph, (0, 0), keep_reciprocity=True)
    >>> np.bincount(rewired.post).tolist() == np.bincount(graph.post).tolist()
    True
    """
    state = np.random.default_rng([*seed, 29]).integers(0, 2**63, 1).astype(np.uint64)
    large = connectome.connection_count > LARGE
    sparse = connectome.connection_count < SPARSE * connectome.neuron_count**2
    if keep_reciprocity:
        pre, post = _rewire_preserving_reciprocity(connectome, state, large and sparse)
    elif large:
        pre, post = connectome.pre, _trade_partners(connectome, state)
    else:
        pre, post = connectome.pre.copy(), connectome.post.copy()
        _switch(pre, post, [(0, len(pre), 0)], state)
    return _with_edges(connectome, pre, post)


def _rewire_preserving_reciprocity(connectome: Connectome, state: Words, large: bool) -> tuple[Index, Index]:
    """Rewire mutual pairs and one-way connections separately."""
    kinds = connectome.dyads.kind
    mutual = kinds[(kinds & FORWARD) > 0] == MUTUAL
    one_way = np.flatnonzero(~mutual)
    pairs = np.flatnonzero(mutual & (connectome.pre < connectome.post))
    places, border = np.concatenate([one_way, pairs]), len(one_way)
    pre, post = connectome.pre[places], connectome.post[places]
    if not large:
        _switch(pre, post, [(0, border, 1), (border, len(places), 2)], state, ROUNDS)
    for _ in range(LARGE_ROUNDS if large else 0):
        _switch(pre, post, [(border, len(places), 2)], state, share=LARGE_ROUNDS)
        if border:
            kept = _with_edges(connectome, *_both_ways(pre, post, border))
            rest = _with_edges(connectome, pre[:border], post[:border])
            pre[:border], post[:border] = rest.pre, _trade_partners(rest, state, kept, TRADES // LARGE_ROUNDS)
    back, forth = _both_ways(pre, post, border)
    return np.concatenate([pre[:border], back]), np.concatenate([post[:border], forth])


def _both_ways(pre: Index, post: Index, border: int) -> tuple[Index, Index]:
    """Return the connections of the mutual pairs, which begin at ``border``."""
    one, other = pre[border:], post[border:]
    return np.concatenate([one, other]), np.concatenate([other, one])


def _trade_partners(
    connectome: Connectome, state: Words, mutual: Connectome | None = None, trades: int = TRADES
) -> Index:
    """Exchange postsynaptic partners; with ``mutual``, no new mutual pair arises."""
    n, post = connectome.neuron_count, connectome.post.copy()
    longest = int(np.diff(connectome.start).max())
    scratch = np.empty(n, np.int32), np.empty(2 * longest, np.int64), np.zeros(n, np.uint8)
    kept: tuple[Any, ...] = (None,) * 5
    if mutual is not None:
        incoming = connectome.incoming
        place = np.empty(len(post), np.int32)
        place[incoming.connection] = np.arange(len(post), dtype=np.int32)
        kept = place, incoming.start, incoming.pre, mutual.start, mutual.post
    kernel("trade_partners")(n, connectome.start, post, trades, *scratch, state, *kept)
    return post


def _switch(
    pre: Index,
    post: Index,
    parts: list[tuple[int, int, int]],
    state: Words,
    rounds: int = 1,
    share: int = 1,
) -> None:
    """Switch connections in place, part by part: first, last and the kind of switch.

    The tries are divided into ``rounds`` over the parts; ``share`` divides their number.
    """
    capacity = 1 << max(4, int(1.5 * len(pre)).bit_length())
    slots = np.empty(capacity, np.uint64)
    kernel("fill_set")(len(pre), pre, post, any(kind for _, _, kind in parts), capacity, slots)
    for first, last, kind in parts * rounds:
        for tries in _pieces(max(TRIES * (last - first), MIN_TRIES) // (rounds * share)):
            kernel("switch_connections")(first, last, pre, post, capacity, slots, tries, kind, state)


def _pieces(tries: int) -> Iterator[int]:
    while tries > 0:
        yield min(tries, _AT_ONCE)
        tries -= _AT_ONCE


def _with_edges(connectome: Connectome, pre: Index, post: Index) -> Connectome:
    rows = sort_by_row(connectome.neuron_count, pre, post, np.ones(len(pre), np.int64))
    return Connectome(
        neuron_ids=connectome.neuron_ids,
        names=connectome.names,
        cell_classes=connectome.cell_classes,
        neurotransmitters=connectome.neurotransmitters,
        pre=rows.pre,
        post=rows.post,
        synapse_count=rows.synapse_count,
        start=rows.start,
    )
