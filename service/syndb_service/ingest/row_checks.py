"""Checks across rows and tables: duplicates, and references to missing rows."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from syndb_service.ingest.column_mapping import NEURON_REFERENCES
from syndb_service.ingest.issues import PER_FILE, IssueList
from syndb_service.ingest.neuron_ids import key_column
from syndb_service.ingest.table_files import EDGES
from syndb_service.ingest.type_conversion import TypedTable

_IDS: Final[dict[str, str]] = {
    "neurons": "neuron_id",
    "synapses": "synapse_id",
    "axons": "axon_id",
    "dendrites": "dendrite_id",
    "dendritic_spines": "dendritic_spine_id",
    "pre_synaptic_terminals": "pre_synaptic_terminal_id",
    "vesicles": "vesicle_id",
    "mitochondria": "mitochondrion_id",
}
_PAIRS: Final[dict[str, tuple[str, ...]]] = {
    EDGES: ("pre_neuron_id", "post_neuron_id", "kind", "brain_structure"),
    "neuron_relations": ("pre_neuron_id", "post_neuron_id", "relation"),
}
_PARTS: Final[dict[str, tuple[str, str]]] = {
    "dendritic_spines": ("dendrite_id", "dendrites"),
    "pre_synaptic_terminals": ("axon_id", "axons"),
    "vesicles": ("pre_synaptic_terminal_id", "pre_synaptic_terminals"),
}


def check_rows(con: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable], issues: IssueList) -> None:
    """Record issues for duplicates and for references to neurons, or parts of neurons, that are missing.

    References to tables that lost rows or ids during loading are not checked.
    """
    sound = {name: table for name, table in tables.items() if not issues.concern(table.raw.source.labels)}
    _check_duplicates(con, tables, issues)
    for name, table in tables.items():
        if name != "neurons" and "neurons" in sound:
            missing = f"no neuron of {sound['neurons'].raw.source.label}"
            for column in sorted(table.columns.intersection(NEURON_REFERENCES)):
                known = f"SELECT {'key' if column in table.named else 'neuron_id'} FROM neuron_keys"
                _note_unknown(con, table, column, known, missing, issues)
        column, parent = _PARTS.get(name, ("", ""))
        if column in table.columns and parent in sound:
            known = f"SELECT {column} FROM {sound[parent].relation}"
            _note_unknown(con, table, column, known, f"not in {sound[parent].raw.source.label}", issues)


def _check_duplicates(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable], issues: IssueList
) -> None:
    """Record issues for duplicate ids, duplicate names used as ids, and duplicate edges."""
    for name, table in tables.items():
        if name in _PAIRS:
            _note_repeated(con, table, [each for each in _PAIRS[name] if each in table.columns], issues)
        elif _IDS[name] in table.columns:
            _note_repeated(con, table, [_IDS[name]], issues)
    neurons = tables.get("neurons")
    if neurons is not None and _names_are_keys(neurons, tables):
        _note_repeated(con, neurons, ["name"], issues)


def _names_are_keys(neurons: TypedTable, tables: Mapping[str, TypedTable]) -> bool:
    if key_column(neurons) not in neurons.columns - neurons.named:
        return False
    return "neuron_id" not in neurons.columns or any(table.named for table in tables.values())


def _note_repeated(
    con: duckdb.DuckDBPyConnection, table: TypedTable, key: Sequence[str], issues: IssueList
) -> None:
    keys = ", ".join(key)
    present = " AND ".join(f"{name} IS NOT NULL" for name in key[:2])
    same = " AND ".join(f"t.{name} IS NOT DISTINCT FROM d.{name}" for name in key)
    con.execute(
        f"CREATE OR REPLACE TABLE repeated AS SELECT {keys}, min(_at) AS first FROM {table.relation} "
        f"WHERE {present} GROUP BY {keys} HAVING count(*) > 1"
    )
    again = f"FROM {table.relation} t JOIN repeated d ON {same} WHERE t._at > d.first"
    shown = ", ".join(f"CAST(t.{name} AS VARCHAR)" for name in key)
    rows = con.execute(f"SELECT t._at, d.first, {shown} {again} ORDER BY t._at LIMIT {PER_FILE}").fetchall()
    if not rows:
        return
    locations = table.raw.locate_rows({row_key for row in rows for row_key in row[:2]})
    for row_key, first, *values in rows:
        file, line = locations[row_key]
        other, earlier = locations[first]
        location = f"row {earlier}" if other == file else f"{other}, row {earlier}"
        column = table.raw.given[key[0]] if len(key) == 1 else None
        way_out = "; make one row of them, with their counts added up" if len(key) > 1 else ""
        issues.add(
            file, f"{_format_values(values)} is already in {location}{way_out}", row=line, column=column
        )
    issues.count(table.raw.source.label, _scalar(con, f"SELECT count(*) {again}") - len(rows))


def _format_values(values: Sequence[str | None]) -> str:
    if len(values) == 1:
        return repr(values[0])
    details = ", ".join(value for value in values[2:] if value)
    return f"the edge from {values[0]} to {values[1]}" + (f" ({details})" if details else "")


def _note_unknown(
    con: duckdb.DuckDBPyConnection,
    table: TypedTable,
    column: str,
    known: str,
    message: str,
    issues: IssueList,
) -> None:
    unmatched = f"FROM {table.relation} t ANTI JOIN ({known}) AS k(id) ON t.{column} = k.id"
    unknown = f"{unmatched} WHERE t.{column} IS NOT NULL"
    count = _scalar(con, f"SELECT count(*) {unknown}")
    if not count:
        return
    rows = con.execute(
        f"SELECT t._at, CAST(t.{column} AS VARCHAR) {unknown} ORDER BY t._at LIMIT {PER_FILE}"
    ).fetchall()
    locations = table.raw.locate_rows(row_key for row_key, _ in rows)
    for row_key, value in rows:
        file, line = locations[row_key]
        issues.add(file, f"{value!r} is {message}", row=line, column=table.raw.given[column])
    issues.count(table.raw.source.label, count - len(rows))


def _scalar(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
