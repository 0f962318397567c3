"""A part of a graph that is small enough to look at: its neurons, what is known of them, its connections."""

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
WISH: Final = SubnetworkRequest()


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to draw, between places in ``ids``; a gap junction (``junction``) has no direction."""

    pre: int
    post: int
    count: float
    junction: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are: in the whole graph, within the steps that were asked for, among those shown.

    ``too_weak`` is how many synapses the strongest connection of the first neuron beyond the limit has: above
    it, no more neurons than the limit have a connection.
    """

    neurons: int
    connected: int
    connections: int
    within: int
    among: int
    too_weak: float = 0


@dataclass(frozen=True, slots=True)
class Subnetwork:
    """Neurons and connections to draw, and what they are a part of.

    Parameters
    ----------
    ids : list of int
        The neurons, the centres first.
    columns : dict of str to list
        What is known of each: scores, then the dataset's columns that hold anything.
    lines : list of Line
        The connections among them, the strongest first.
    centres : int
        How many of the neurons are centres.
    counts : Counts
        Of what it is a part.
    wish : Wish
        What was asked for.
    around : str
        What the centres are, in words.
    least : float
        The least number of synapses of a connection.
    dataset : mapping
        What the dataset says of itself; empty where nobody knows which it is.
    notes : list of str
        What else has to be said.
    origins : mapping of str to str
        Of each column that is a score, in what it was counted, in words; what the dataset says has none.
    more : str
        How to have further scores; empty where there are none.
    """

    ids: list[int]
    columns: dict[str, list[Any]]
    lines: list[Connection]
    centres: int
    counts: Counts
    wish: SubnetworkRequest = WISH
    around: str = "the hubs"
    least: float = 1
    dataset: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    more: str = ""

    def names(self) -> list[str]:
        """Return what each neuron is called: its name, or else its id."""
        told = self.columns.get("name") or [None] * len(self.ids)
        return [str(name or neuron) for name, neuron in zip(told, self.ids, strict=True)]

    def color_columns(self, column: str) -> list[Any]:
        """Return what the colours of a column tell apart: numbers that count nothing are names."""
        values = self.columns[column]
        if column != COMMUNITY:
            return values
        return [None if value is None else f"{column} {value}" for value in values]

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """Build the graph that is shown: a gap junction is an edge each way, with ``gap_junction`` true."""
        import networkx as nx

        graph: networkx.MultiDiGraph[Any] = nx.MultiDiGraph()
        for place, neuron in enumerate(self.ids):
            graph.add_node(neuron, **{name: values[place] for name, values in self.columns.items()})
        for line in self.lines:
            ends = self.ids[line.pre], self.ids[line.post]
            for pre, post in (ends, ends[::-1]) if line.junction else (ends,):
                graph.add_edge(pre, post, weight=line.count, gap_junction=line.junction)
        return graph


def pagerank(neurons: int, lines: Sequence[Connection]) -> list[float]:
    """Rank neurons by the synapses they receive from ranked neurons, among those shown.

    Examples
    --------
    >>> [round(share, 3) for share in pagerank(2, [Connection(0, 1, 3)])]
    [0.351, 0.649]
    """
    import networkx as nx

    graph: networkx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(neurons))
    most = max((float(line.count) for line in lines), default=0.0) or 1.0  # the least floats add up to none
    for line in lines:
        for pre, post in (
            ((line.pre, line.post), (line.post, line.pre)) if line.junction else ((line.pre, line.post),)
        ):
            before = graph.get_edge_data(pre, post, {"weight": 0.0})["weight"]
            graph.add_edge(pre, post, weight=before + max(float(line.count) / most, 0.0))
    ranks = nx.pagerank(graph) if neurons else {}
    return [float(ranks[place]) for place in range(neurons)]
