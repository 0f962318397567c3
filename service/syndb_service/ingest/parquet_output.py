"""Writes checked tables as canonical Parquet: all columns of the schema, sorted, compressed."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from syndb_service.domain.datasets import TABLES, VIEWS, Sizes, TableInfo
from syndb_service.domain.graph.connection_sql import sizes_parameters, sizes_sql
from syndb_service.domain.graph.selection import Include, Selection
from syndb_service.domain.table_schema import quote_text, view_sql
from syndb_service.ingest.column_mapping import NEURON_REFERENCES
from syndb_service.ingest.neuron_ids import key_column
from syndb_service.ingest.table_files import EDGES
from syndb_service.ingest.type_conversion import TypedTable

_ROW_GROUP: Final = 122_880
_ENDS: Final = ("pre_neuron_id", "post_neuron_id")


@dataclass(frozen=True, slots=True)
class Output:
    """The SQL of one canonical table: its available columns, its rows and their order."""

    values: Mapping[str, str]
    origin: str
    order: str


def plan_outputs(tables: Mapping[str, TypedTable], species: str) -> dict[str, Output]:
    """Plan each canonical table from the input's tables, in the schema's order."""
    made = {"neurons": _neurons(tables.get("neurons"), species)}
    for name, table in tables.items():
        if name == EDGES:
            made |= {"synapses": _edge_synapses(table), "neuron_relations": _edge_relations(table)}
        elif name != "neurons":
            made[name] = _plain(name, table)
    return {name: made[name] for name in TABLES if name in made}


def write(
    con: duckdb.DuckDBPyConnection, table: str, output: Output, folder: Path, units: Mapping[str, str]
) -> TableInfo | None:
    """Write one canonical table below ``folder``; return None if it would have no rows."""
    columns = TABLES[table][1:]
    picked = ", ".join(
        f"CAST({output.values.get(column.name, 'NULL')} AS {column.type}) AS {column.name}"
        for column in columns
    )
    order = f" ORDER BY {output.order}" if output.order else ""
    path = folder / f"{table}.parquet"
    copied = con.execute(
        f"COPY (SELECT {picked} FROM {output.origin}{order}) TO {quote_text(str(path))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    ).fetchone()
    rows = int(copied[0]) if copied else 0
    if rows == 0:
        path.unlink()
        return None
    brought = tuple(column.name for column in columns if column.name in output.values)
    return TableInfo(rows, path.stat().st_size, (path.name,), brought, dict(units))


def count_views(
    con: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, TableInfo]
) -> dict[str, int]:
    """Count the rows of each view over the written tables."""
    counts: dict[str, int] = {}
    for name, view in VIEWS.items():
        if view.source in tables:
            source = f"{view.source} AS ({_write_table(view.source, folder, tables)})"
            row = con.execute(f"WITH {source} SELECT count(*) FROM ({view.sql})").fetchone()
            counts[name] = int(row[0]) if row else 0
    return counts


def count_connections(
    con: duckdb.DuckDBPyConnection, folder: Path, tables: Mapping[str, TableInfo]
) -> dict[str, Sizes]:
    """Count the connections by their number of synapses, for each ``include`` of a graph."""
    needed = ("neurons", "synapses", "neuron_relations")
    sources = ", ".join(f"{name} AS ({_write_table(name, folder, tables)})" for name in needed)

    def count_sizes(include: Include) -> Sizes:
        selection = Selection(include=include)
        sql = f"WITH {sources} {sizes_sql(selection)}"
        return con.execute(sql, sizes_parameters("", selection)).fetchall()

    chemical, electrical = count_sizes("chemical"), count_sizes("gap_junctions")
    both = count_sizes("both") if chemical and electrical else chemical or electrical
    return {"chemical": chemical, "gap_junctions": electrical, "both": both}


def _write_table(table: str, folder: Path, tables: Mapping[str, TableInfo]) -> str:
    if table not in tables:
        return view_sql(table, [])
    files = ", ".join(quote_text(str(folder / file)) for file in tables[table].files)
    return f"SELECT '' AS dataset_id, * FROM read_parquet([{files}])"


def _neurons(neurons: TypedTable | None, species: str) -> Output:
    default = quote_text(species)
    if neurons is None:
        return Output(
            {"neuron_id": "neuron_id", "name": "key", "species": default}, "neuron_keys", "neuron_id"
        )
    values = {name: f"t.{name}" for name in neurons.columns}
    values["species"] = f"coalesce(t.species, {default})" if "species" in neurons.columns else default
    if "neuron_id" in neurons.columns - neurons.named:
        return Output(values, f"{neurons.relation} t", "neuron_id")
    key = key_column(neurons)
    values |= {"neuron_id": "k.neuron_id", "name": values.get("name", "k.key")}
    return Output(values, f"{neurons.relation} t JOIN neuron_keys k ON t.{key} = k.key", "neuron_id")


def _plain(name: str, table: TypedTable) -> Output:
    ends = [column for column in NEURON_REFERENCES if column in table.columns]
    values = {column: f"t.{column}" for column in table.columns} | _resolve_names(table, ends)
    origin = f"{table.relation} t{_joins(table, ends)}"
    if name not in ("synapses", "neuron_relations"):
        return Output(values, origin, TABLES[name][1].name)
    if name == "synapses" and "synapse_id" not in table.columns:
        return _number_synapses(values, origin)
    return Output(values, origin, f"{', '.join(_ENDS)}, t._at")


def _edge_synapses(edges: TypedTable) -> Output:
    carried = [name for name in ("neurotransmitter", "brain_structure") if name in edges.columns]
    values = {name: f"t.{name}" for name in carried} | _resolve_names(edges, _ENDS)
    expanded = "(SELECT *, unnest(range(CAST(synapse_count AS BIGINT))) FROM edges WHERE NOT electrical) t"
    return _number_synapses(values, expanded + _joins(edges, _ENDS))


def _edge_relations(edges: TypedTable) -> Output:
    values = _resolve_names(edges, _ENDS) | {"relation": "'gap_junction'", "weight": "t.synapse_count"}
    origin = f"(SELECT * FROM edges WHERE electrical) t{_joins(edges, _ENDS)}"
    return Output(values, origin, f"{', '.join(_ENDS)}, t._at")


def _number_synapses(values: Mapping[str, str], origin: str) -> Output:
    """Add synapse ids 1..n in the order of the neurons."""
    picked = ", ".join(f"{sql} AS {name}" for name, sql in values.items())
    ordered = f"(SELECT {picked}, t._at FROM {origin} ORDER BY {', '.join(_ENDS)}, t._at)"
    named = {name: name for name in values}
    return Output(
        {"synapse_id": "synapse_id", **named},
        f"(SELECT row_number() OVER () AS synapse_id, * FROM {ordered})",
        "",
    )


def _resolve_names(table: TypedTable, columns: Sequence[str]) -> dict[str, str]:
    return {name: f"k_{name}.neuron_id" if name in table.named else f"t.{name}" for name in columns}


def _joins(table: TypedTable, columns: Sequence[str]) -> str:
    joined = [name for name in columns if name in table.named]
    return "".join(f" JOIN neuron_keys k_{name} ON t.{name} = k_{name}.key" for name in joined)
