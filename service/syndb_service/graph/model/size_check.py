"""Whether a graph fits, found out from the dataset before anything of it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syndb_service.domain.graph.connection_sql import sizes_parameters, sizes_sql
from syndb_service.domain.graph.memory_budget import GraphBudget
from syndb_service.domain.graph.selection import Selection

if TYPE_CHECKING:
    import duckdb


def check_size(
    con: duckdb.DuckDBPyConnection, dataset_id: str, selection: Selection, room: GraphBudget
) -> None:
    """Refuse a graph that doesn't fit.

    Connections are counted only where the dataset has more synapses than connections fit, which its
    files tell without being read.

    Raises
    ------
    GraphTooLarge
        Naming the number of connections and the filter that would make them fit.
    """
    neurons = _count(con, "neurons", dataset_id)
    if room.fits(neurons, _rows(con, dataset_id, selection)):
        return
    sizes = con.execute(sizes_sql(selection), sizes_parameters(dataset_id, selection)).fetchall()
    room.require(neurons, sizes, selection.min_synapses)


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
