"""How large a graph may be: what the user allows, and what memory holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syndb_service.engines.graph.errors import GraphTooLarge
from syndb_service.engines.graph.selection import Selection
from syndb_service.engines.graph.statements import sizes_parameters, sizes_sql

if TYPE_CHECKING:
    import duckdb

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

    def check(self, con: duckdb.DuckDBPyConnection, dataset_id: str, selection: Selection) -> None:
        """Refuse a graph that doesn't fit, before anything of it is built.

        Connections are counted only where the dataset has more synapses than connections fit, which its
        files tell without being read.

        Raises
        ------
        GraphTooLarge
            Naming the number of connections and the filter that would make them fit.
        """
        most = self._most(con, dataset_id)
        if most is None or _rows(con, dataset_id, selection) <= most[0]:
            return
        sizes = con.execute(sizes_sql(selection), sizes_parameters(dataset_id, selection)).fetchnumpy()
        synapses, connections = (np.asarray(sizes[name], np.int64) for name in ("synapses", "connections"))
        needed = int(connections[synapses >= selection.min_synapses].sum())
        if needed <= most[0]:
            return
        fits = int(np.searchsorted(np.cumsum(connections), most[0], side="right"))
        fewer = (
            f"min_synapses = {synapses[fits] + 1} would make it fit"
            if fits
            else "no min_synapses would make it fit and leave a connection"
        )
        allowed, other = most[1], f" = {needed}" if most[1] == "max_edges" else ""
        limit = "max_edges allows" if allowed == "max_edges" else f"the memory of a job ({allowed}) holds"
        raise GraphTooLarge(
            f"the graph would have {needed:,} connections; {limit} {most[0]:,}"
            + ("" if other else f", it would need {_written(needed_bytes(0, needed))}"),
            hint=f"{fewer}; narrow it with neuron_ids, cell_class or brain_structure"
            + (f", or raise max_edges to {needed}." if other else "."),
        )

    def _most(self, con: duckdb.DuckDBPyConnection, dataset_id: str) -> tuple[int, str] | None:
        """Return the most connections and what sets that limit; None without one."""
        limits = []
        if self.max_edges is not None:
            limits.append((self.max_edges, "max_edges"))
        if self.memory_bytes is not None:
            query = "SELECT count(*) FROM neurons WHERE dataset_id = $dataset_id"
            found = con.execute(query, {"dataset_id": dataset_id}).fetchone()
            neurons = int(found[0]) if found else 0
            left = self.memory_bytes // self.graphs - needed_bytes(neurons, 0)
            shared = f" for {self.graphs} graphs" if self.graphs > 1 else ""
            limits.append((max(left // CONNECTION_BYTES, 0), _written(self.memory_bytes) + shared))
        return min(limits, default=None)


def needed_bytes(neurons: int, connections: int) -> int:
    """Return what an analysis of a graph of this size needs, in bytes, at most.

    Examples
    --------
    >>> needed_bytes(139_255, 2_701_601) // 10**6
    754
    """
    return BASE_BYTES + neurons * NEURON_BYTES + connections * CONNECTION_BYTES


def _rows(con: duckdb.DuckDBPyConnection, dataset_id: str, selection: Selection) -> int:
    """Return how many connections there can be at most: as many as rows, and twice as gap junctions."""
    total = 0
    if selection.include != "gap_junctions":
        total += _count(con, "synapses", dataset_id)
    if selection.include != "chemical":
        total += 2 * _count(con, "neuron_relations", dataset_id)
    return total


def _count(con: duckdb.DuckDBPyConnection, table: str, dataset_id: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE dataset_id = $dataset_id"  # noqa: S608 - ours
    found = con.execute(query, {"dataset_id": dataset_id}).fetchone()
    return int(found[0]) if found else 0


def _written(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
