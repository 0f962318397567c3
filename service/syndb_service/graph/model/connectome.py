"""The graph of every analysis: neurons and their connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from syndb_service.graph.kernels.bindings import kernel

Ids = npt.NDArray[np.int64]
Index = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Labels = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]
Kinds = npt.NDArray[np.uint8]

FORWARD, BACKWARD, MUTUAL = 1, 2, 3
"""Kinds of dyad, from the view of one of its two neurons."""


@dataclass(frozen=True, slots=True)
class ConnectionTally:
    """A number of connections, and of their synapses."""

    connections: int = 0
    synapses: int = 0


@dataclass(frozen=True, slots=True)
class DroppedConnections:
    """The connections of the dataset that are not in the graph, each under the first reason that holds.

    Parameters
    ----------
    absent_neurons : ConnectionTally
        Connections with at least one neuron that is not in ``neurons``.
    self_connections : ConnectionTally
        Connections from a neuron to itself (autapses).
    outside_filters : ConnectionTally
        Connections that the other filters exclude, and excluded synapses of connections in the graph.
    below_min_synapses : ConnectionTally
        Connections of fewer synapses than ``min_synapses``.
    """

    absent_neurons: ConnectionTally = ConnectionTally()
    self_connections: ConnectionTally = ConnectionTally()
    outside_filters: ConnectionTally = ConnectionTally()
    below_min_synapses: ConnectionTally = ConnectionTally()


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """The connections by their postsynaptic neuron.

    Parameters
    ----------
    start : int64 array of shape (n + 1,)
        The connections of neuron u are at ``start[u]`` up to ``start[u + 1]``.
    pre : int32 array of shape (m,)
        Presynaptic neurons, ascending for each u.
    connection : int32 array of shape (m,)
        Position of each among the connections of the graph.
    """

    start: Counts
    pre: Index
    connection: Index


@dataclass(frozen=True, slots=True, eq=False)
class Dyads:
    """The pairs of connected neurons, each twice: once from the view of either neuron.

    Parameters
    ----------
    start : int64 array of shape (n + 1,)
        The pairs of neuron u are at ``start[u]`` up to ``start[u + 1]``.
        partner : int32 array of shape (2 d,)
        Partners, ascending for each u.
    kind : uint8 array of shape (2 d,)
        FORWARD, BACKWARD or MUTUAL.
    """

    start: Counts
    partner: Index
    kind: Kinds

    @property
    def partners(self) -> Counts:
        """Number of partners of each neuron, in any direction."""
        return np.diff(self.start)


@dataclass(frozen=True, eq=False)
class Connectome:
    """A directed graph without self-connections: n neurons (isolated ones included), m connections.

    Motifs, reciprocity and clustering are defined between distinct neurons, so self-connections are left out
    and counted in ``dropped``. There is at most one connection from one neuron to another.

    Parameters
    ----------
    neuron_ids : int64 array of shape (n,)
        Ascending and unique.
    names, cell_classes, neurotransmitters : object arrays of shape (n,)
        Strings, or None where unknown.
    pre, post : int32 arrays of shape (m,)
        Positions in ``neuron_ids``; sorted by ``pre``, then ``post``.
    synapse_count : int64 array of shape (m,)
        Synapses of each connection, at least 1.
    start : int64 array of shape (n + 1,)
        The connections of neuron u are at ``start[u]`` up to ``start[u + 1]``.
    dropped : DroppedConnections
        Connections of the dataset that are not in the graph, by reason.

    Examples
    --------
    >>> connectome = connectome_from_edges(3, [(0, 1), (1, 0), (1, 2)])
    >>> connectome.neuron_count, connectome.connection_count, connectome.synapse_total
    (3, 3, 3)
    >>> connectome.start.tolist(), connectome.incoming.pre.tolist(), connectome.dyads.kind.tolist()
    ([0, 1, 3, 3], [1, 0, 1], [3, 3, 1, 2])
    """

    neuron_ids: Ids
    names: Labels
    cell_classes: Labels
    neurotransmitters: Labels
    pre: Index
    post: Index
    synapse_count: Counts
    start: Counts
    dropped: DroppedConnections = field(default_factory=DroppedConnections)

    @property
    def neuron_count(self) -> int:
        """Number of neurons, n."""
        return len(self.neuron_ids)

    @property
    def connection_count(self) -> int:
        """Number of connections, m."""
        return len(self.pre)

    @property
    def synapse_total(self) -> int:
        """Number of synapses in all connections of the graph."""
        return int(self.synapse_count.sum())

    @cached_property
    def incoming(self) -> Incoming:
        """The connections by postsynaptic neuron."""
        n, m = self.neuron_count, self.connection_count
        found = Incoming(np.empty(n + 1, np.int64), np.empty(m, np.int32), np.empty(m, np.int32))
        kernel("transpose")(n, self.start, self.post, found.start, found.pre, found.connection)
        return found

    @cached_property
    def dyads(self) -> Dyads:
        """The pairs of connected neurons."""
        n, m, incoming = self.neuron_count, self.connection_count, self.incoming
        start, partner, kind = np.empty(n + 1, np.int64), np.empty(2 * m, np.int32), np.empty(2 * m, np.uint8)
        kernel("merge_dyads")(n, self.start, self.post, incoming.start, incoming.pre, start, partner, kind)
        return Dyads(start, partner[: start[n]], kind[: start[n]])


@dataclass(frozen=True, slots=True, eq=False)
class SortedConnections:
    """Connections sorted by ``pre``, then ``post``, with the start of each neuron's connections."""

    start: Counts
    pre: Index
    post: Index
    synapse_count: Counts


def sort_by_row(neuron_count: int, pre: Index, post: Index, synapse_count: Counts) -> SortedConnections:
    """Sort distinct connections.

    Examples
    --------
    >>> rows = sort_by_row(3, np.array([2, 0], np.int32), np.array([1, 2], np.int32), np.array([5, 7]))
    >>> rows.pre.tolist(), rows.post.tolist(), rows.synapse_count.tolist(), rows.start.tolist()
    ([0, 2], [2, 1], [7, 5], [0, 1, 1, 2])
    """
    m = len(pre)
    rows = SortedConnections(
        np.empty(neuron_count + 1, np.int64),
        np.empty(m, np.int32),
        np.empty(m, np.int32),
        np.empty(m, np.int64),
    )
    kernel("sort_connections")(
        neuron_count,
        m,
        pre,
        post,
        synapse_count,
        rows.start,
        rows.pre,
        rows.post,
        rows.synapse_count,
        np.empty(m, np.int64),
    )
    return rows


def connectome_from_edges(
    neuron_count: int, edges: npt.ArrayLike, synapse_count: npt.ArrayLike | None = None
) -> Connectome:
    """Build a connectome of unnamed neurons 0 … n-1 from distinct (pre, post) pairs.

    Parameters
    ----------
    neuron_count : int
        Number of neurons, n.
    edges : array of shape (m, 2)
        Positions of distinct neurons, in any order, no pair twice.
    synapse_count : array of shape (m,), optional
        Synapses of each connection; 1 by default.

    Examples
    --------
    >>> connectome_from_edges(2, [(1, 0)]).pre
    array([1], dtype=int32)
    """
    pairs = np.asarray(edges, np.int64).reshape(-1, 2)
    weights = np.ones(len(pairs), np.int64) if synapse_count is None else np.asarray(synapse_count, np.int64)
    pre, post = (np.ascontiguousarray(ends, np.int32) for ends in pairs.T)
    rows = sort_by_row(neuron_count, pre, post, weights)
    unknown = np.full(neuron_count, None, object)
    return Connectome(
        neuron_ids=np.arange(neuron_count, dtype=np.int64),
        names=unknown,
        cell_classes=unknown,
        neurotransmitters=unknown,
        pre=rows.pre,
        post=rows.post,
        synapse_count=rows.synapse_count,
        start=rows.start,
    )
