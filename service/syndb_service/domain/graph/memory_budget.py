"""The graph budget: the number of connections that the user's limit and the memory of a job allow."""

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
MAX_CONNECTIONS = 2**31 - 1
"""Connections are numbered with 32 bits."""
BASE_BYTES = 200 * 1024**2
"""Estimated peak memory of an analysis without neurons and connections, with a margin.

A synthetic whole brain of 2.7 million connections took 637 MB.
"""


@dataclass(frozen=True, slots=True)
class GraphBudget:
    """The maximum number of connections of a graph.

    Parameters
    ----------
    max_edges : int, optional
        Limit of the request.
    memory_bytes : int, optional
        Memory of a job.
    graphs : int
        Number of graphs that share the memory.
    """

    max_edges: int | None = None
    memory_bytes: int | None = None
    graphs: int = 1

    def fits(self, neurons: int, connections: int) -> bool:
        """Return whether a graph of this size fits."""
        return connections <= self.max_connections(neurons)[0]

    def require(self, neurons: int, sizes: Sizes, min_synapses: int) -> None:
        """Require that a graph fits.

        Parameters
        ----------
        neurons : int
            Number of neurons of the dataset.
        sizes : sequence of (int, int)
            Pairs (synapses, number of connections), most synapses first.
        min_synapses : int
            The filter of the job.

        Raises
        ------
        GraphTooLarge
            If it does not fit; with the number of connections and the filter that would make it fit.

        Examples
        --------
        >>> GraphBudget(max_edges=2).require(3, [(9, 1), (4, 1), (1, 2)], min_synapses=1)
        Traceback (most recent call last):
        syndb_service.errors.GraphTooLarge: the graph would have 4 connections; max_edges allows 2
        >>> GraphBudget(max_edges=2).require(3, [(9, 1), (4, 1), (1, 2)], min_synapses=2)
        """
        maximum, limited_by = self.max_connections(neurons)
        needed = sum(connections for synapses, connections in sizes if synapses >= min_synapses)
        if needed <= maximum:
            return
        fits = sum(total <= maximum for total in accumulate(connections for _, connections in sizes))
        filter_hint = (
            f"min_synapses = {sizes[fits][0] + 1} would make it fit"
            if fits
            else "no min_synapses would make it fit and leave a connection"
        )
        hint = f"{filter_hint}; narrow it with neuron_ids, cell_class or brain_structure"
        if limited_by == "max_edges":
            raise GraphTooLarge(
                f"the graph would have {needed:,} connections; max_edges allows {maximum:,}",
                hint=f"{hint}, or raise max_edges to {needed}.",
            )
        if limited_by == "numbers":
            raise GraphTooLarge(
                f"the graph would have {needed:,} connections; "
                f"an analysis numbers {maximum:,} of them at most",
                hint=f"{hint}.",
            )
        raise GraphTooLarge(
            f"the graph would have {needed:,} connections; the memory of a job ({limited_by}) holds "
            f"{maximum:,}, it would need {_format_bytes(needed_bytes(neurons, needed))}",
            hint=f"{hint}.",
        )

    def max_connections(self, neurons: int) -> tuple[int, str]:
        """Return the maximum number of connections, and the limit that determines it."""
        limits = [(MAX_CONNECTIONS, "numbers")]
        if self.max_edges is not None:
            limits.append((self.max_edges, "max_edges"))
        if self.memory_bytes is not None:
            available = self.memory_bytes // self.graphs - needed_bytes(neurons, 0)
            shared = f" for {self.graphs} graphs" if self.graphs > 1 else ""
            limits.append((max(available // CONNECTION_BYTES, 0), _format_bytes(self.memory_bytes) + shared))
        return min(limits)


def known_to_fit(datasets: Sequence[Dataset], options: GraphOptions, memory_bytes: int) -> bool:
    """Return whether a graph job fits according to the records of its datasets, without counting.

    Parameters
    ----------
    datasets : sequence of Dataset
        The analysed dataset, and the one that it is compared with.
    options : GraphOptions
        Options of the job.
    memory_bytes : int
        Memory of a job.
    """
    selection = options.selection
    budget = GraphBudget(options.max_edges, memory_bytes, graphs=len(datasets))
    return all(
        budget.fits(_rows(dataset, "neurons"), _max_connections(dataset, selection)) for dataset in datasets
    )


def require_budget(
    datasets: Sequence[Dataset], options: GraphOptions, memory_bytes: int, count: Count
) -> None:
    """Require that a graph job fits, before it is stored.

    For most jobs the counts from the import of the dataset are enough. Filters by neuron or by transmitter
    can reduce the number; it is counted if the unfiltered graph does not fit. If it can't be counted, the job
    itself checks the size in its first stage.

    Parameters
    ----------
    datasets, options, memory_bytes
        As for :func:`known_to_fit`.
    count : callable
        Counts the connections of a dataset under filters; returns None if it can't.

    Raises
    ------
    GraphTooLarge
        As :meth:`GraphBudget.require`.
    """
    selection = options.selection
    budget = GraphBudget(options.max_edges, memory_bytes, graphs=len(datasets))
    for dataset in datasets:
        neurons = _rows(dataset, "neurons")
        if budget.fits(neurons, _max_connections(dataset, selection)):
            continue
        recorded = None if selection.by_synapse_or_neuron else dataset.connection_sizes.get(selection.include)
        sizes = count(dataset, selection) if recorded is None else recorded
        if sizes is not None:
            budget.require(neurons, sizes, selection.min_synapses)


def _rows(dataset: Dataset, table: str) -> int:
    return dataset.tables[table].rows if table in dataset.tables else 0


def _max_connections(dataset: Dataset, selection: Selection) -> int:
    """Return the maximum number of connections of a graph, from the dataset's record."""
    if not _rows(dataset, "neurons"):
        return 0
    sizes = dataset.connection_sizes.get(selection.include)
    if sizes is not None:
        return sum(connections for synapses, connections in sizes if synapses >= selection.min_synapses)
    chemical = 0 if selection.include == "gap_junctions" else _rows(dataset, "synapses")
    electrical = 0 if selection.include == "chemical" else 2 * _rows(dataset, "neuron_relations")
    return chemical + electrical


def needed_bytes(neurons: int, connections: int) -> int:
    """Estimate the maximum memory of an analysis of a graph of this size, in bytes.

    Examples
    --------
    >>> needed_bytes(139_255, 2_701_601) // 10**6
    754
    """
    return BASE_BYTES + neurons * NEURON_BYTES + connections * CONNECTION_BYTES


def _format_bytes(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
