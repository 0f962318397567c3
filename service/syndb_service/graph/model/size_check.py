"""Checks that a graph fits its budget, from the dataset, before the graph is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syndb_service.domain.graph.connection_sql import sizes_parameters, sizes_sql
from syndb_service.domain.graph.memory_budget import GraphBudget
from syndb_service.domain.graph.selection import Selection

if TYPE_CHECKING:
    import duckdb


def check_size(
    con: duckdb.DuckDBPyConnection, dataset_id: str, selection: Selection, budget: GraphBudget
) -> None:
    """Reject a graph that exceeds its budget.

    Connections are counted only if the dataset has more synapses than the budget allows connections; the
    metadata of its files contains that number.

    Raises
    ------
    GraphTooLarge
        With the number of connections and the filter that would make them fit.
    """
    neurons = _count(con, "neurons", dataset_id)
    if budget.fits(neurons, _rows(con, dataset_id, selection)):
        return
    sizes = con.execute(sizes_sql(selection), sizes_parameters(dataset_id, selection)).fetchall()
    budget.require(neurons, sizes, selection.min_synapses)


def _rows(con: duckdb.DuckDBPyConnection, dataset_id: str, selection: Selection) -> int:
    """Return the maximum number of connections: one for each row, two for each gap junction."""
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
