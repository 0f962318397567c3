"""Communities: groups of neurons with more synapses among them than their strengths imply."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from syndb_service.graph.kernels.bindings import kernel
from syndb_service.graph.model.connectome import Connectome, Counts, Index

Words = npt.NDArray[np.uint64]

ROUNDS = 2  # of the whole algorithm; the second starts from the result of the first


@dataclass(frozen=True, slots=True, eq=False)
class Communities:
    """A division of the neurons into communities.

    Parameters
    ----------
    count : int
        Number of communities.
    labels : int32 array of shape (n,)
        Each neuron's community, 0 the largest; of equal sizes, the one with the lowest neuron id first.
    modularity : float or None
        Modularity of this division; None without connections.
    """

    count: int
    labels: Index
    modularity: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _Weighted:
    """An undirected graph: each edge is stored at both ends; self-loops count only in ``strength``."""

    start: Counts
    to: Index
    weight: Counts
    strength: Counts

    @property
    def size(self) -> int:
        return len(self.strength)


def find_communities(connectome: Connectome, resolution: float, seed: int) -> Communities:
    """Find communities by the Leiden algorithm, direction ignored, connections weighted by synapses.

    Modularity is Newman's 2004 for weights (doi:10.1103/PhysRevE.70.056131) with a resolution (Reichardt &
    Bornholdt 2006); the algorithm is that of Traag, Waltman & van Eck 2019 (doi:10.1038/s41598-019-41695-z),
    two rounds of it. It is a heuristic: a better division may exist, and another seed may find another one.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    resolution : float
        Above 1 there are more and smaller communities, below 1 fewer and larger ones.
    seed : int
        Seed of the order in which neurons are visited.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> two = connectome_from_edges(6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)])
    >>> found = find_communities(two, 1.0, 0)
    >>> found.labels.tolist(), round(found.modularity, 3)
    ([0, 0, 0, 1, 1, 1], 0.357)
    """
    graph = _to_undirected(connectome)
    labels = np.arange(graph.size, dtype=np.int32)
    total = int(graph.strength.sum())
    if total:
        state = np.random.default_rng([seed, 17]).integers(0, 2**63, 1).astype(np.uint64)
        for _ in range(ROUNDS):
            labels = _leiden(graph, labels, total, resolution, state)
    labels = _by_size(labels)
    count = int(labels.max()) + 1 if len(labels) else 0
    return Communities(count, labels, _modularity(connectome, labels, resolution) if total else None)


def _to_undirected(connectome: Connectome) -> _Weighted:
    dyads, n = connectome.dyads, connectome.neuron_count
    row = np.repeat(np.arange(n, dtype=np.int64), dyads.partners)
    weight = np.zeros(len(dyads.partner), np.int64)
    weight[(dyads.kind & 1) > 0] = connectome.synapse_count
    incoming = connectome.incoming
    weight[(dyads.kind & 2) > 0] += connectome.synapse_count[incoming.connection]
    strength = np.bincount(row, weight, minlength=n).astype(np.int64)
    return _Weighted(dyads.start, dyads.partner, weight, strength)


def _leiden(
    graph: _Weighted,
    labels: Index,
    total: int,
    resolution: float,
    state: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> Index:
    """Move nodes, refine and aggregate until each community is one node."""
    community, place = _relabel(labels), np.arange(graph.size, dtype=np.int32)
    while True:
        community = _move_nodes(graph, community, total, resolution, state)
        community = _relabel(community)
        if int(community.max()) + 1 == graph.size:
            return community[place]
        part = _relabel(_refine(graph, community, total, resolution, state))
        if int(part.max()) + 1 == graph.size:
            return community[place]
        of_part = np.zeros(int(part.max()) + 1, np.int32)
        of_part[part] = community
        graph, community, place = _aggregate(graph, part), of_part, part[place]


def _move_nodes(graph: _Weighted, community: Index, total: int, resolution: float, state: Words) -> Index:
    n = graph.size
    community = community.copy()
    held = np.bincount(community, graph.strength, minlength=n).astype(np.int64)
    size = np.bincount(community, minlength=n).astype(np.int32)
    kernel("move_nodes")(
        n,
        graph.start,
        graph.to,
        graph.weight,
        graph.strength,
        total,
        resolution,
        community,
        held,
        size,
        np.empty(n, np.int32),
        np.empty(n, np.uint8),
        np.zeros(n, np.int64),
        *(np.empty(n, np.int32) for _ in range(2)),
        state,
    )
    return community


def _refine(graph: _Weighted, community: Index, total: int, resolution: float, state: Words) -> Index:
    n = graph.size
    held = np.bincount(community, graph.strength, minlength=n).astype(np.int64)
    part = np.empty(n, np.int32)
    kernel("refine")(
        n,
        graph.start,
        graph.to,
        graph.weight,
        graph.strength,
        total,
        resolution,
        community,
        held,
        part,
        *(np.empty(n, np.int64) for _ in range(2)),
        *(np.empty(n, np.int32) for _ in range(2)),
        np.zeros(n, np.int64),
        np.empty(n, np.int32),
        state,
    )
    return part


def _aggregate(graph: _Weighted, part: Index) -> _Weighted:
    count = int(part.max()) + 1
    part_start = np.append(0, np.cumsum(np.bincount(part, minlength=count))).astype(np.int64)
    start, to = np.empty(count + 1, np.int64), np.empty(len(graph.to), np.int32)
    weight = np.empty(len(graph.to), np.int64)
    entries = kernel("merge_parts")(
        graph.size,
        graph.start,
        graph.to,
        graph.weight,
        part,
        count,
        np.argsort(part, kind="stable").astype(np.int32),
        part_start,
        start,
        to,
        weight,
        np.zeros(count, np.int64),
        np.empty(count, np.int32),
    )
    strength = np.bincount(part, graph.strength, minlength=count).astype(np.int64)
    return _Weighted(start, to[:entries].copy(), weight[:entries].copy(), strength)


def _relabel(labels: Index) -> Index:
    """Renumber the labels 0, 1, 2 …, in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    numbered: Index = rank[inverse]
    return numbered


def _by_size(labels: Index) -> Index:
    numbered = _relabel(labels)
    rank = np.empty(int(numbered.max()) + 1 if len(numbered) else 0, np.int32)
    rank[np.argsort(-np.bincount(numbered), kind="stable")] = np.arange(len(rank), dtype=np.int32)
    return rank[numbered]


def _modularity(connectome: Connectome, labels: Index, resolution: float) -> float:
    """Return the modularity of a division, exact except for one rounding at the end."""
    synapses = connectome.synapse_count
    total = 2 * int(synapses.sum())
    inside = 2 * int(synapses[labels[connectome.pre] == labels[connectome.post]].sum())
    ends = [np.bincount(labels[end], synapses) for end in (connectome.pre, connectome.post)]
    held = np.zeros(max(map(len, ends)), np.int64)
    for strength in ends:
        held[: len(strength)] += strength.astype(np.int64)
    expected = sum(strength * strength for strength in held.tolist())
    return float(Fraction(inside, total) - Fraction(resolution) * Fraction(expected, total * total))


def agreement(labels: Index, classes: list[str | None]) -> dict[str, float | int | None]:
    """Compare a division with a column of names: adjusted Rand index and normalized mutual information.

    Neurons without a name are left out. Hubert & Arabie 1985 (doi:10.1007/BF01908075); mutual information
    divided by the mean of the two entropies, as in scikit-learn.

    Examples
    --------
    >>> agreement(np.array([0, 0, 1, 1], np.int32), ["a", "a", "b", None])
    {'neurons': 3, 'classes': 2, 'adjusted_rand_index': 1.0, 'normalised_mutual_information': 1.0}
    """
    known = np.array([name is not None for name in classes], np.bool_)
    names = np.array([name for name in classes if name is not None], object)
    if not len(names):
        none = {"adjusted_rand_index": None, "normalised_mutual_information": None}
        return {"neurons": 0, "classes": 0, **none}
    rows = np.unique(labels[known], return_inverse=True)[1]
    distinct, columns = np.unique(names.astype(str), return_inverse=True)
    table = np.zeros((int(rows.max()) + 1, len(distinct)), np.int64)
    np.add.at(table, (rows, columns), 1)
    return {
        "neurons": len(names),
        "classes": len(distinct),
        "adjusted_rand_index": _adjusted_rand(table),
        "normalised_mutual_information": _mutual_information(table),
    }


def _adjusted_rand(table: Counts) -> float | None:
    def pairs(counts: Counts) -> int:
        return sum(count * (count - 1) // 2 for count in counts.ravel().tolist())

    together, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    every = pairs(table.sum(keepdims=True))
    if not every:
        return None
    expected = Fraction(rows * columns, every)
    most = Fraction(rows + columns, 2)
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _mutual_information(table: Counts) -> float:
    shares = table / table.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    used = shares > 0
    mutual = float((shares[used] * np.log(shares[used] / np.outer(rows, columns)[used])).sum())
    entropies = [-float((part * np.log(part)).sum()) for part in (rows, columns)]
    return mutual / (sum(entropies) / 2) if sum(entropies) else 1.0
