"""How large a graph may be: what the user allows, and what memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from syndb_service.domain.datasets import Dataset, Sizes
from syndb_service.domain.graph.analysis_options import GraphOptions
from syndb_service.domain.graph.selection import Selection
from syndb_service.errors import GraphTooLarge

Count = Callable[[Dataset, Selection], Sizes | None]

CONNECTION_BYTES = 150
NEURON_BYTES = 1_000
MOST_CONNECTIONS = 2**31 - 1
"""As many are numbered with 32 bits."""
BASE_BYTES = 200 * 1024**2
"""What an analysis is reckoned to need at its peak, with a margin.

A made-up whole brain of 2.7 million connections took 637 MB.
"""


@dataclass(frozen=True, slots=True)
class GraphBudget:
    """The most connections that a graph may have.

    Parameters
    ----------
    max_edges : int, optional
        What the job allows.
    memory_bytes : int, optional
        What a job may use.
    graphs : int
        How many graphs share it.
    """

    max_edges: int | None = None
    memory_bytes: int | None = None
    graphs: int = 1

    def fits(self, neurons: int, connections: int) -> bool:
        """Say whether a graph of this size fits."""
        return connections <= self.max_connections(neurons)[0]

    def require(self, neurons: int, sizes: Sizes, min_synapses: int) -> None:
        """Refuse a graph that doesn't fit.

        Parameters
        ----------
        neurons : int
            Of the dataset.
        sizes : sequence of (int, int)
            How many synapses, and how many connections have so many; the most synapses first.
        min_synapses : int
            The filter of the job.

        Raises
        ------
        GraphTooLarge
            Naming the number of connections and the filter that would make them fit.

        Examples
        --------
        >>> GraphBudget(max_edges=2).require(3, [(9, 1), (4, 1), (1, 2)], min_synapses=1)
        Traceback (most recent call last):
        syndb_service.errors.GraphTooLarge: the graph would have 4 connections; max_edges allows 2
        >>> GraphBudget(max_edges=2).require(3, [(9, 1), (4, 1), (1, 2)], min_synapses=2)
        """
        most, sets_it = self.max_connections(neurons)
        needed = sum(connections for synapses, connections in sizes if synapses >= min_synapses)
        if needed <= most:
            return
        fits = sum(total <= most for total in accumulate(connections for _, connections in sizes))
        fewer = (
            f"min_synapses = {sizes[fits][0] + 1} would make it fit"
            if fits
            else "no min_synapses would make it fit and leave a connection"
        )
        narrower = f"{fewer}; narrow it with neuron_ids, cell_class or brain_structure"
        if sets_it == "max_edges":
            raise GraphTooLarge(
                f"the graph would have {needed:,} connections; max_edges allows {most:,}",
                hint=f"{narrower}, or raise max_edges to {needed}.",
            )
        if sets_it == "numbers":
            raise GraphTooLarge(
                f"the graph would have {needed:,} connections; an analysis numbers {most:,} of them at most",
                hint=f"{narrower}.",
            )
        raise GraphTooLarge(
            f"the graph would have {needed:,} connections; the memory of a job ({sets_it}) holds {most:,}, "
            f"it would need {_format_bytes(needed_bytes(neurons, needed))}",
            hint=f"{narrower}.",
        )

    def max_connections(self, neurons: int) -> tuple[int, str]:
        """Return the most connections and what sets that limit."""
        limits = [(MOST_CONNECTIONS, "numbers")]
        if self.max_edges is not None:
            limits.append((self.max_edges, "max_edges"))
        if self.memory_bytes is not None:
            left = self.memory_bytes // self.graphs - needed_bytes(neurons, 0)
            shared = f" for {self.graphs} graphs" if self.graphs > 1 else ""
            limits.append((max(left // CONNECTION_BYTES, 0), _format_bytes(self.memory_bytes) + shared))
        return min(limits)


def known_to_fit(datasets: Sequence[Dataset], options: GraphOptions, memory_bytes: int) -> bool:
    """Say whether a graph job fits as far as the records of its datasets tell, without any counting.

    Parameters
    ----------
    datasets : sequence of Dataset
        The one that is analysed, and the one that it is compared with.
    options : GraphOptions
        Of the job.
    memory_bytes : int
        What a job may use.
    """
    selection = options.selection
    room = GraphBudget(options.max_edges, memory_bytes, graphs=len(datasets))
    return all(room.fits(_rows(each, "neurons"), _most_connections(each, selection)) for each in datasets)


def require_budget(
    datasets: Sequence[Dataset], options: GraphOptions, memory_bytes: int, count: Count
) -> None:
    """Refuse a graph job before it is stored.

    What was counted when a dataset was added tells enough of most jobs. Under filters by neuron or by
    transmitter the number can be less; it is counted where it matters. Where it can't be, the job judges in
    its first stage.

    Parameters
    ----------
    datasets, options, memory_bytes
        As for :func:`known_to_fit`.
    count : callable
        Counts the connections of a dataset under filters; None if it can't.

    Raises
    ------
    GraphTooLarge
        As :meth:`GraphBudget.require`.
    """
    selection = options.selection
    room = GraphBudget(options.max_edges, memory_bytes, graphs=len(datasets))
    for dataset in datasets:
        neurons = _rows(dataset, "neurons")
        if room.fits(neurons, _most_connections(dataset, selection)):
            continue
        recorded = None if selection.by_synapse_or_neuron else dataset.connection_sizes.get(selection.include)
        sizes = count(dataset, selection) if recorded is None else recorded
        if sizes is not None:
            room.require(neurons, sizes, selection.min_synapses)


def _rows(dataset: Dataset, table: str) -> int:
    return dataset.tables[table].rows if table in dataset.tables else 0


def _most_connections(dataset: Dataset, selection: Selection) -> int:
    """Return how many connections a graph can have, as far as the dataset's record tells."""
    if not _rows(dataset, "neurons"):
        return 0
    sizes = dataset.connection_sizes.get(selection.include)
    if sizes is not None:
        return sum(connections for synapses, connections in sizes if synapses >= selection.min_synapses)
    chemical = 0 if selection.include == "gap_junctions" else _rows(dataset, "synapses")
    electrical = 0 if selection.include == "chemical" else 2 * _rows(dataset, "neuron_relations")
    return chemical + electrical


def needed_bytes(neurons: int, connections: int) -> int:
    """Return what an analysis of a graph of this size needs, in bytes, at most.

    Examples
    --------
    >>> needed_bytes(139_255, 2_701_601) // 10**6
    754
    """
    return BASE_BYTES + neurons * NEURON_BYTES + connections * CONNECTION_BYTES


def _format_bytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
