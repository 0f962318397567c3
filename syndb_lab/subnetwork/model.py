"""A part of a graph that is small enough to draw: its neurons, their properties, and its connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.subnetwork.neighborhood_sql import SubnetworkRequest

if TYPE_CHECKING:
    import networkx

SCORES: Final = ("degree", "in_degree", "out_degree", "strength", "in_strength", "out_strength", "partners")
PAGERANK: Final = "pagerank"
ROLE: Final = "role"
COMMUNITY: Final = "community"
WHOLE: Final = "in the whole graph"
SHOWN: Final = "in this view"
DEFAULT_REQUEST: Final = SubnetworkRequest()


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to draw, between positions in ``ids``; a gap junction (``junction``) has no direction."""

    pre: int
    post: int
    count: float
    junction: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of neurons and connections: in the whole graph, within the requested steps, among those shown.

    ``too_weak`` is the number of synapses of the strongest connection of the first neuron beyond the limit.
    With a higher ``min_synapses``, no more neurons than the limit have a connection.
    """

    neurons: int
    connected: int
    connections: int
    within: int
    among: int
    too_weak: float = 0


@dataclass(frozen=True, slots=True)
class Subnetwork:
    """Neurons and connections to draw, and the graph that they are a part of.

    Parameters
    ----------
    ids : list of int
        The neurons, the centers first.
    columns : dict of str to list
        Properties of each neuron: scores, then the dataset's columns that are not empty.
    lines : list of Connection
        The connections among them, the strongest first.
    center_count : int
        How many of the neurons are centers.
    counts : Counts
        Size of the whole graph and of the parts of it.
    request : SubnetworkRequest
        The request.
    center_label : str
        The centers in words.
    min_synapses : float
        Minimum number of synapses of a connection.
    dataset : mapping
        The dataset's metadata; empty if the dataset is unknown.
    notes : list of str
        Further notes for the reader.
    origins : mapping of str to str
        For each score, the graph that it was computed in, in words; columns of the dataset have none.
    more : str
        How to get further scores; empty if there are none.
    """

    ids: list[int]
    columns: dict[str, list[Any]]
    lines: list[Connection]
    center_count: int
    counts: Counts
    request: SubnetworkRequest = DEFAULT_REQUEST
    center_label: str = "the hubs"
    min_synapses: float = 1
    dataset: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    more: str = ""

    def names(self) -> list[str]:
        """Return the label of each neuron: its name, or else its id."""
        names = self.columns.get("name") or [None] * len(self.ids)
        return [str(name or neuron) for name, neuron in zip(names, self.ids, strict=True)]

    def color_columns(self, column: str) -> list[Any]:
        """Return the values that a column's colors distinguish; numbers of communities become names."""
        values = self.columns[column]
        if column != COMMUNITY:
            return values
        return [None if value is None else f"{column} {value}" for value in values]

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """Build the shown graph; a gap junction is an edge in each direction (``gap_junction=True``)."""
        import networkx as nx

        graph: networkx.MultiDiGraph[Any] = nx.MultiDiGraph()
        for position, neuron in enumerate(self.ids):
            graph.add_node(neuron, **{name: values[position] for name, values in self.columns.items()})
        for line in self.lines:
            ends = self.ids[line.pre], self.ids[line.post]
            for pre, post in (ends, ends[::-1]) if line.junction else (ends,):
                graph.add_edge(pre, post, weight=line.count, gap_junction=line.junction)
        return graph


def pagerank(neurons: int, lines: Sequence[Connection]) -> list[float]:
    """Compute the PageRank of each neuron, weighted by synapses, among the neurons shown.

    Examples
    --------
    >>> [round(share, 3) for share in pagerank(2, [Connection(0, 1, 3)])]
    [0.351, 0.649]
    """
    import networkx as nx

    graph: networkx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(neurons))
    largest = (
        max((float(line.count) for line in lines), default=0.0) or 1.0
    )  # sums of the smallest floats underflow
    for line in lines:
        for pre, post in (
            ((line.pre, line.post), (line.post, line.pre)) if line.junction else ((line.pre, line.post),)
        ):
            before = graph.get_edge_data(pre, post, {"weight": 0.0})["weight"]
            graph.add_edge(pre, post, weight=before + max(float(line.count) / largest, 0.0))
    ranks = nx.pagerank(graph) if neurons else {}
    return [float(ranks[neuron]) for neuron in range(neurons)]
