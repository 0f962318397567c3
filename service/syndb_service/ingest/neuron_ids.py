"""The ids of neurons: those of the input, or 1..n in the order of the names."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from syndb_service.ingest.column_mapping import NEURON_REFERENCES
from syndb_service.ingest.raw_tables import RawTable
from syndb_service.ingest.type_conversion import TypedTable, has_neuron_names, repeats_names


def find_names(con: duckdb.DuckDBPyConnection, raws: Mapping[str, RawTable]) -> dict[str, frozenset[str]]:
    """Find the columns with names of neurons where the schema has ids, by table.

    The first values of a table decide. If the neurons have no numeric ids, all tables use names.
    """
    references = {
        table: frozenset(name for name in NEURON_REFERENCES if name in raw.types)
        for table, raw in raws.items()
    }
    named = {
        table
        for table, raw in raws.items()
        if any(has_neuron_names(con, raw, name) for name in references[table])
        or ("neurons" not in raws and repeats_names(con, raw, references[table]))
    }
    neurons = raws.get("neurons")
    unnumbered = neurons is not None and ("neurons" in named or "neuron_id" not in neurons.types)
    everywhere = unnumbered or (neurons is None and bool(named))
    return {
        table: names if everywhere or table in named else frozenset() for table, names in references.items()
    }


def key_column(neurons: TypedTable) -> str:
    """Return the column of the neurons with their names: a text ``neuron_id``, or else ``name``."""
    return "neuron_id" if "neuron_id" in neurons.named else "name"


def number_neurons(con: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable]) -> None:
    """Create the table ``neuron_keys``: every neuron with its name (``key``, may be NULL) and its id."""
    neurons = tables.get("neurons")
    if neurons is None:
        _derive(con, tables.values())
    elif "neuron_id" in neurons.columns and "neuron_id" not in neurons.named:
        key = "name" if "name" in neurons.columns else "CAST(NULL AS VARCHAR)"
        keys = f"SELECT DISTINCT {key} AS key, neuron_id FROM {neurons.relation}"
        con.execute(f"CREATE TABLE neuron_keys AS {keys}")
    else:
        column = key_column(neurons)
        _number(con, f"SELECT {column} AS key FROM {neurons.relation}")


def _derive(con: duckdb.DuckDBPyConnection, tables: Iterable[TypedTable]) -> None:
    named = False
    keys: list[str] = []
    for table in tables:
        named = named or bool(table.named)
        references = sorted(table.columns.intersection(NEURON_REFERENCES))
        keys += [f"SELECT {name} AS key FROM {table.relation}" for name in references]
    if named:
        _number(con, " UNION ".join(keys))
    elif keys:
        con.execute(
            "CREATE TABLE neuron_keys AS SELECT CAST(NULL AS VARCHAR) AS key, key AS neuron_id "
            f"FROM ({' UNION '.join(keys)}) WHERE key IS NOT NULL"
        )


def _number(con: duckdb.DuckDBPyConnection, keys: str) -> None:
    con.execute(
        "CREATE TABLE neuron_keys AS SELECT key, row_number() OVER (ORDER BY key) AS neuron_id "
        f"FROM (SELECT DISTINCT key FROM ({keys}) WHERE key IS NOT NULL)"
    )
