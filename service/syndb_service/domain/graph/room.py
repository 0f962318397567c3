"""How large a graph may be: what the user allows, and what memory holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from syndb_service.domain.datasets import Dataset, Sizes
from syndb_service.domain.graph.selection import Selection
from syndb_service.errors import GraphTooLarge

CONNECTION_BYTES = 150
NEURON_BYTES = 1_000
BASE_BYTES = 200 * 1024**2
"""What an analysis is reckoned to need at its peak, with a margin.

A made-up whole brain of 2.7 million connections took 637 MB.
"""


@dataclass(frozen=True, slots=True)
class Room:
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

    def judge(self, neurons: int, sizes: Sizes, min_synapses: int) -> None:
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
        >>> Room(max_edges=2).judge(3, [(9, 1), (4, 1), (1, 2)], min_synapses=1)
        Traceback (most recent call last):
        syndb_service.errors.GraphTooLarge: the graph would have 4 connections; max_edges allows 2
        >>> Room(max_edges=2).judge(3, [(9, 1), (4, 1), (1, 2)], min_synapses=2)
        """
        limit = self.most(neurons)
        needed = sum(connections for synapses, connections in sizes if synapses >= min_synapses)
        if limit is None or needed <= limit[0]:
            return
        most, sets_it = limit
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
        raise GraphTooLarge(
            f"the graph would have {needed:,} connections; the memory of a job ({sets_it}) holds {most:,}, "
            f"it would need {_written(needed_bytes(neurons, needed))}",
            hint=f"{narrower}.",
        )

    def most(self, neurons: int) -> tuple[int, str] | None:
        """Return the most connections and what sets that limit; None without one."""
        limits = []
        if self.max_edges is not None:
            limits.append((self.max_edges, "max_edges"))
        if self.memory_bytes is not None:
            left = self.memory_bytes // self.graphs - needed_bytes(neurons, 0)
            shared = f" for {self.graphs} graphs" if self.graphs > 1 else ""
            limits.append((max(left // CONNECTION_BYTES, 0), _written(self.memory_bytes) + shared))
        return min(limits, default=None)


def check_room(datasets: Sequence[Dataset], options: Mapping[str, Any], memory_bytes: int) -> None:
    """Refuse a graph job before it is stored, where what was counted when a dataset was added tells enough.

    Filters by neuron or by transmitter leave a number that only reading tells: such a job is not judged here,
    but in its first stage.

    Parameters
    ----------
    datasets : sequence of Dataset
        The one that is analysed, and the one that it is compared with.
    options : mapping
        Of the job.
    memory_bytes : int
        What a job may use.

    Raises
    ------
    GraphTooLarge
        As :meth:`Room.judge`.
    """
    selection = Selection.of(options)
    if selection.by_neuron or selection.neurotransmitter is not None:
        return
    room = Room(options.get("max_edges"), memory_bytes, graphs=len(datasets))
    for dataset in datasets:
        sizes = dataset.connection_sizes.get(selection.include)
        neurons = dataset.tables.get("neurons")
        if sizes is not None and neurons is not None:
            room.judge(neurons.rows, sizes, selection.min_synapses)


def needed_bytes(neurons: int, connections: int) -> int:
    """Return what an analysis of a graph of this size needs, in bytes, at most.

    Examples
    --------
    >>> needed_bytes(139_255, 2_701_601) // 10**6
    754
    """
    return BASE_BYTES + neurons * NEURON_BYTES + connections * CONNECTION_BYTES


def _written(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
