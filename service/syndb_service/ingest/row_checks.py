"""Checks of rows: values, edges, duplicates, and references to missing rows."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from syndb_service.domain.graph.connection_sql import MOST_COUNTED
from syndb_service.ingest.column_mapping import MOST_ROWS, MOST_SYNAPSES, NEURON_REFERENCES, columns_of
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
_CARRIED: Final = ("neurotransmitter", "brain_structure")
_CHEMICAL: Final = ("chemical", "chem", "synapse", "synaptic")
_ELECTRICAL: Final = ("electrical", "electric", "gap_junction", "gap junction", "gap", "gj")


def note_rows(
    con: duckdb.DuckDBPyConnection,
    table: TypedTable,
    column: str,
    condition: str,
    message: str,
    issues: IssueList,
) -> None:
    """Record an issue for each row that meets a condition; ``message`` has a ``{}`` for the value."""
    row = con.execute(f"SELECT count(*) FROM {table.relation} WHERE {condition}").fetchone()
    if not row or not row[0]:
        return
    rows = con.execute(
        f"SELECT _at, {column} FROM {table.relation} WHERE {condition} ORDER BY _at LIMIT {PER_FILE}"
    ).fetchall()
    locations = table.raw.locate_rows(row_key for row_key, _ in rows)
    written = table.raw.cell_texts((row_key for row_key, _ in rows), column)
    for row_key, value in rows:
        file, line = locations[row_key]
        shown = written.get(row_key) or format_number(value)
        issues.add(file, message.format(_short(shown)), row=line, column=table.raw.given[column])
    issues.count(table.raw.source.label, row[0] - len(rows))


def check_sum(
    con: duckdb.DuckDBPyConnection,
    table: TypedTable,
    column: str,
    condition: str,
    limit: int,
    message: str,
    issues: IssueList,
) -> None:
    """Record an issue if a column adds up to more than ``limit`` over the rows that meet a condition.

    Each value is at most the limit; ``message`` has a ``{}`` for the sum.
    """
    row = con.execute(f"SELECT sum({column}::DOUBLE) FROM {table.relation} WHERE {condition}").fetchone()
    if row and row[0] is not None and row[0] > limit:
        shown = message.format(format_number(row[0]))
        issues.add(table.raw.source.label, shown, column=table.raw.given[column])


def format_number(value: object) -> str:
    """Format a number in digits; use powers of ten only for very long ones.

    Examples
    --------
    >>> format_number(1000001.0), format_number(0.25), format_number(1e30)
    ('1000001', '0.25', '1e+30')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def check_ranges(con: duckdb.DuckDBPyConnection, table: TypedTable, issues: IssueList) -> None:
    """Record an issue for each value outside the range of its column in the schema."""
    for column in columns_of(table.raw.source.table):
        if column.range is None or column.name not in table.columns:
            continue
        low, high = column.range
        if math.isinf(high):
            note_rows(con, table, column.name, f"{column.name} < {low}", f"{{}} is below {low}", issues)
        else:
            outside = f"{column.name} NOT BETWEEN {low} AND {high}"
            note_rows(con, table, column.name, outside, f"{{}} is not from {low} to {high}", issues)


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
