"""Checks of an edge list: one row for all synapses from one neuron to another, or for a gap junction."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

from typing import Final

import duckdb

from syndb_service.domain.graph.connection_sql import MOST_COUNTED
from syndb_service.ingest.column_mapping import MOST_ROWS, MOST_SYNAPSES
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.type_conversion import TypedTable
from syndb_service.ingest.value_checks import check_sum, note_rows

_CARRIED: Final = ("neurotransmitter", "brain_structure")
_CHEMICAL: Final = ("chemical", "chem", "synapse", "synaptic")
_ELECTRICAL: Final = ("electrical", "electric", "gap_junction", "gap junction", "gap", "gj")


def check_edges(con: duckdb.DuckDBPyConnection, edges: TypedTable, issues: IssueList) -> None:
    """Record issues for unknown kinds and invalid counts; create the view ``edges``."""
    kind = "lower(kind)" if "kind" in edges.columns else "'chemical'"
    count = "synapse_count" if "synapse_count" in edges.columns else "1"
    carried = [f"CAST({c if c in edges.columns else 'NULL'} AS VARCHAR) AS {c}" for c in _CARRIED]
    con.execute(
        "CREATE VIEW edges AS SELECT _at, pre_neuron_id, post_neuron_id, "
        f"{kind} IN {_ELECTRICAL} AS electrical, {count} AS synapse_count, {', '.join(carried)} "
        f"FROM {edges.relation}"
    )
    if "kind" in edges.columns:
        unknown = f"kind IS NOT NULL AND lower(kind) NOT IN {_CHEMICAL + _ELECTRICAL}"
        note_rows(con, edges, "kind", unknown, "{!r} is neither chemical nor electrical", issues)
    if "synapse_count" not in edges.columns:
        return
    note_rows(con, edges, "synapse_count", "synapse_count <= 0", "{} is no count: it must be above 0", issues)
    chemical = f"synapse_count > 0 AND NOT {kind} IN {_ELECTRICAL}"
    fraction = f"{chemical} AND synapse_count <> floor(synapse_count)"
    note_rows(con, edges, "synapse_count", fraction, "{} is no whole number of synapses", issues)
    many = f"{chemical} AND synapse_count > {MOST_SYNAPSES}"
    note_rows(con, edges, "synapse_count", many, f"{{}} is more than {MOST_SYNAPSES:,} synapses", issues)
    if issues.concern(edges.raw.source.labels):
        return
    added = f"these add up to {{}} synapses; at most {MOST_ROWS:,} are taken from an edge list"
    check_sum(con, edges, "synapse_count", chemical, MOST_ROWS, added, issues)
    if "kind" in edges.columns:
        check_weights(con, edges, "synapse_count", f"{kind} IN {_ELECTRICAL}", issues)


def check_weights(
    con: duckdb.DuckDBPyConnection, table: TypedTable, column: str, condition: str, issues: IssueList
) -> None:
    """Record issues for weights of gap junctions that a graph's measures can't add up exactly."""
    most = f"more than {MOST_COUNTED:,}, the most that is added up exactly"
    note_rows(con, table, column, f"{condition} AND {column} > {MOST_COUNTED}", f"{{}} is {most}", issues)
    if not issues.concern(table.raw.source.labels):
        added = f"these weights of gap junctions add up to {{}}, {most}"
        check_sum(con, table, column, condition, MOST_COUNTED, added, issues)
