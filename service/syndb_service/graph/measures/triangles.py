"""The triangles of the graph, enumerated once for motifs and clustering."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.kernels.thread_pool import ThreadPool, blocks
from syndb_service.graph.model.connectome import (
    BACKWARD,
    FORWARD,
    MUTUAL,
    Connectome,
    Counts,
    Dyads,
    Index,
    Kinds,
)

Kind = tuple[int, int, int]

_MIN_WORK = 200_000  # minimum comparisons of a block: a smaller one costs more than it saves
_EVERY_KIND = tuple(product((FORWARD, BACKWARD, MUTUAL), repeat=3))


@dataclass(frozen=True, slots=True, eq=False)
class Triangles:
    """Counts of the triples of neurons in which every two are connected, in at least one direction.

    Parameters
    ----------
    kinds : dict
        Triangles u, v, w by their dyads (u-v, u-w, v-w), each `FORWARD`, `BACKWARD` or `MUTUAL`.
    undirected : int64 array of shape (n,)
        Triangles through each neuron; empty if they were not requested.
    directed : int64 array of shape (n,)
        Directed triangles through each neuron: a mutual dyad can serve in either direction, so that a
        triangle of k mutual dyads counts 2**k times (Fagiolo 2007, doi:10.1103/PhysRevE.76.026107).

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> triangles = enumerate_triangles(connectome_from_edges(4, [(0, 1), (1, 2), (0, 2), (2, 0), (2, 3)]))
    >>> triangles.undirected.tolist(), triangles.directed.tolist()
    ([1, 1, 1, 0], [2, 2, 2, 0])
    """

    kinds: dict[Kind, int]
    undirected: Counts
    directed: Counts


def enumerate_triangles(
    connectome: Connectome, thread_pool: ThreadPool | None = None, *, by_neuron: bool = True
) -> Triangles:
    """Enumerate the triangles of the degree-ordered graph.

    Each dyad points from the neuron of fewer partners to that of more, so that no row is longer than
    sqrt(2 m) and a triangle is found once, at its lowest neuron
    (Chiba & Nishizeki 1985, doi:10.1137/0214017; Ortmann & Brandes 2014, doi:10.1137/1.9781611973198.1).

    Parameters
    ----------
    connectome : Connectome
        The graph.
    thread_pool : ThreadPool, optional
        Runs the work; one thread by default.
    by_neuron : bool
        Whether to count also the triangles through each neuron, which takes a third longer.
    """
    n = connectome.neuron_count
    upper = _orient_by_degree(connectome.dyads)
    width = np.diff(upper.start)
    work = np.add.reduceat(np.append(width[upper.to], 0), upper.start[:-1]) * (width > 0) + width
    ranges = list(blocks(work, _MIN_WORK))

    def count(part: tuple[int, int, int]) -> tuple[Counts, Counts | None]:
        kinds = np.zeros(64, np.int64)
        through = np.zeros(2 * n, np.int64) if by_neuron else None
        kernel("count_triangles")(
            part[0], part[1], upper.start, upper.to, upper.kind, np.zeros(n, np.uint8), kinds, through
        )
        return kinds, through

    kinds, through = np.zeros(64, np.int64), np.zeros(2 * n if by_neuron else 0, np.int64)
    for part, counted in (thread_pool or ThreadPool()).map(count, ranges, [size for _, _, size in ranges]):
        kinds += part
        if counted is not None:
            through += counted
    each = through.reshape(-1, 2)[upper.rank] if by_neuron else through.reshape(-1, 2)
    return Triangles(
        kinds={(a, b, c): int(kinds[16 * a + 4 * b + c]) for a, b, c in _EVERY_KIND},
        undirected=np.ascontiguousarray(each[:, 0]),
        directed=np.ascontiguousarray(each[:, 1]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Upper:
    """Each dyad once, in the row of its lower-ranked neuron; ``rank`` is by number of partners."""

    start: Counts
    to: Index
    kind: Kinds
    rank: Index


def _orient_by_degree(dyads: Dyads) -> _Upper:
    n, half = len(dyads.start) - 1, len(dyads.partner) // 2
    order = np.argsort(dyads.partners, kind="stable").astype(np.int32)
    rank = np.empty(n, np.int32)
    rank[order] = np.arange(n, dtype=np.int32)
    upper = _Upper(np.empty(n + 1, np.int64), np.empty(half, np.int32), np.empty(half, np.uint8), rank)
    kernel("order_by_degree")(
        n, dyads.start, dyads.partner, dyads.kind, order, rank, upper.start, upper.to, upper.kind
    )
    return upper
