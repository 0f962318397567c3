"""Converts the fields of a file to the schema's types, exactly or with an issue."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from syndb_service.domain.datasets import Column
from syndb_service.ingest.column_mapping import columns_of
from syndb_service.ingest.issues import PER_FILE, IssueList
from syndb_service.ingest.raw_tables import RawTable
from syndb_service.ingest.table_files import EDGES

_EMPTY: Final = ("na", "n/a", "null", "none")
_SAMPLE: Final = 1000
_WHOLE: Final = r"[+-]?[0-9]+"
_NUMBER: Final = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.:()-]*"
_FLOAT: Final = r"[+-]?[0-9.]+[eE][+-]?[0-9]{2,}"
_NOT_WHOLE: Final = "is not a whole number"
_COUNT: Final = r"[+-]?[0-9]+(\.0*)?"
_WHOLE_TYPES: Final = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)
_REAL_TYPES: Final = ("FLOAT", "DOUBLE", "DECIMAL")
_NESTED: Final = ("STRUCT", "MAP", "UNION", "BLOB")


@dataclass(frozen=True, slots=True)
class TypedTable:
    """A raw table and its relation with the schema's types.

    Parameters
    ----------
    raw : RawTable
        The unconverted table.
    relation : str
        The relation: ``_at`` and the columns; a value that can't be converted is NULL.
    columns : frozenset of str
        Its columns.
    named : frozenset of str
        Its columns with names of neurons where the schema has ids.
    """

    raw: RawTable
    relation: str
    columns: frozenset[str]
    named: frozenset[str]

    @property
    def is_complete(self) -> bool:
        """Whether it has all required columns."""
        return _required_columns(self.raw.source.table, self.columns) <= self.columns


@dataclass(frozen=True, slots=True)
class _Reading:
    """The conversion of one column: SQL of the value, SQL of the original, and message if it fails."""

    value: str
    present: str
    complaint: str


def type_table(
    con: duckdb.DuckDBPyConnection, raw: RawTable, named: frozenset[str], issues: IssueList
) -> TypedTable:
    """Convert a raw table to a typed relation; record an issue for each value of a wrong type.

    Parameters
    ----------
    con : duckdb connection
        The work database.
    raw : RawTable
        The table.
    named : frozenset of str
        Its columns with names of neurons where the schema has ids.
    issues : IssueList
        Receives invalid and missing values.
    """
    readings: dict[str, _Reading] = {}
    for column in columns_of(raw.source.table):
        if column.name not in raw.types:
            continue
        if raw.rows == 0:
            kind = "VARCHAR" if column.name in named else column.type
            readings[column.name] = _Reading(f"CAST(NULL AS {kind})", "NULL", "")
            continue
        refusal = _refusal(column, raw.types[column.name])
        if refusal is None:
            reading = _plan_reading(column, raw.types[column.name], named)
            readings[column.name] = _scale_reading(reading, raw.scales.get(column.name))
        else:
            issues.add(raw.source.label, refusal, column=raw.given[column.name])
    relation = f"typed_{raw.source.table}"
    values = "".join(f", {reading.value} AS {name}" for name, reading in readings.items())
    typed = f"SELECT {raw.at} AS _at{values} FROM {raw.relation}"
    con.execute(f"CREATE {'TABLE' if raw.scratch else 'VIEW'} {relation} AS {typed}")
    for name in _suspicious(con, raw, relation, readings):
        required = name in _required_columns(raw.source.table, readings)
        _note_misfits(con, raw, name, readings[name], issues, required=required)
    for scratch in raw.scratch:
        con.execute(f"DROP {scratch}")
    columns = frozenset(readings)
    return TypedTable(raw, relation, columns, named & columns)


def has_neuron_names(con: duckdb.DuckDBPyConnection, raw: RawTable, column: str) -> bool:
    """Whether a column contains names rather than numbers, by its first values.

    A fraction is not a name: ids that a program wrote as floats may have lost digits, which is an issue.
    """
    if raw.types.get(column) != "VARCHAR":
        return False
    row = con.execute(
        f"SELECT count(*), count(*) FILTER (regexp_full_match(v, '{_NUMBER}')) FROM "
        f"(SELECT trim({column}) AS v FROM {raw.relation} WHERE trim({column}) <> '' LIMIT {_SAMPLE})"
    ).fetchone()
    return row is not None and row[1] * 2 < row[0]


def repeats_names(con: duckdb.DuckDBPyConnection, raw: RawTable, columns: Collection[str]) -> bool:
    """Whether a name, such as M1, occurs more than once among these columns' first values.

    A single name may be an error among ids; a repeated one is a neuron, even if others have numbers.
    """
    texts = [name for name in columns if raw.types.get(name) == "VARCHAR"]
    if not texts:
        return False
    first = " UNION ALL ".join(
        f"(SELECT trim({name}) AS v FROM {raw.relation} LIMIT {_SAMPLE})" for name in texts
    )
    row = con.execute(
        f"SELECT count(*) FROM (SELECT v FROM ({first}) WHERE regexp_full_match(v, '{_NAME}') "
        f"AND lower(v) NOT IN {(*_EMPTY, 'nan', 'inf', 'infinity')} GROUP BY v HAVING count(*) > 1)"
    ).fetchone()
    return row is not None and row[0] > 0


def _required_columns(table: str, columns: Collection[str]) -> set[str]:
    """Return the columns that may not be NULL: those of the schema and those of an edge list."""
    required = {column.name for column in columns_of(table) if column.required}
    if table == EDGES:
        required |= {"synapse_count", "kind"} & set(columns)
    if table == "neurons" and "neuron_id" not in columns:
        required = {"name"}
    return required


def _refusal(column: Column, source_type: str) -> str | None:
    """Return why a column can't be used: its type in a Parquet file; None if it can."""
    if source_type.startswith(_NESTED) or source_type.endswith("]"):
        return f"is of type {source_type.partition('(')[0]}; it must hold plain values"
    if column.name.endswith("_id") and source_type.startswith(_REAL_TYPES):
        return f"is of type {source_type}, which can't hold every 64-bit id exactly; write int64"
    if (
        column.type != "VARCHAR"
        and source_type not in _WHOLE_TYPES
        and not source_type.startswith((*_REAL_TYPES, "VARCHAR"))
    ):
        return f"is of type {source_type}; it must hold numbers"
    return None


def _plan_reading(column: Column, source_type: str, named: frozenset[str]) -> _Reading:
    name = column.name
    if column.type == "VARCHAR" or name in named:
        value = f"nullif(trim(CAST({name} AS VARCHAR)), '')"
        return _Reading(value, value, "")
    if source_type == "VARCHAR":
        return _from_text(name, column.type, is_id=name.endswith("_id"))
    if column.type == "DOUBLE":
        number = f"CAST({name} AS DOUBLE)"
        return _Reading(f"CASE WHEN isfinite({number}) THEN {number} END", name, "is not a number")
    if source_type in _WHOLE_TYPES:
        return _Reading(f"TRY_CAST({name} AS BIGINT)", name, "is beyond 64 bits")
    value = f"CASE WHEN TRY_CAST({name} AS BIGINT) = {name} THEN TRY_CAST({name} AS BIGINT) END"
    return _Reading(value, name, _NOT_WHOLE)


def _scale_reading(reading: _Reading, scale: float | None) -> _Reading:
    if scale is None:
        return reading
    return _Reading(f"({reading.value}) * {scale!r}", reading.present, reading.complaint)


def _from_text(name: str, type_name: str, *, is_id: bool) -> _Reading:
    trimmed = f"nullif(trim({name}), '')"
    empty = (*_EMPTY, "nan") if is_id else _EMPTY
    present = f"CASE WHEN lower({trimmed}) NOT IN {empty} THEN {trimmed} END"
    if type_name == "DOUBLE":
        number = f"TRY_CAST({name} AS DOUBLE)"
        finite = f"isfinite({number}) AND NOT contains({name}, '_')"
        return _Reading(f"CASE WHEN {finite} THEN {number} END", present, "is not a number")
    if is_id:
        whole = f"TRY_CAST({name} AS BIGINT)"
        plain = f"WHEN CAST({whole} AS VARCHAR) = {name} THEN {whole}"
        spaced = f"WHEN regexp_full_match({trimmed}, '{_WHOLE}') THEN {whole}"
        return _Reading(f"CASE {plain} {spaced} END", present, _NOT_WHOLE)
    whole = f"TRY_CAST(split_part({trimmed}, '.', 1) AS BIGINT)"
    return _Reading(
        f"CASE WHEN regexp_full_match({trimmed}, '{_COUNT}') THEN {whole} END",
        present,
        _NOT_WHOLE,
    )


def _suspicious(
    con: duckdb.DuckDBPyConnection, raw: RawTable, relation: str, readings: Mapping[str, _Reading]
) -> list[str]:
    """Return the columns that lost a value in the conversion or lack a required one."""
    if not readings:
        return []
    counts = ", ".join(f"count({name})" for name in readings)
    given = con.execute(f"SELECT {counts} FROM {raw.relation}").fetchone() or ()
    typed = con.execute(f"SELECT {counts} FROM {relation}").fetchone() or ()
    required = _required_columns(raw.source.table, readings)
    return [
        name
        for name, before, after in zip(readings, given, typed, strict=True)
        if before != after or (name in required and after < raw.rows)
    ]


def _note_misfits(
    con: duckdb.DuckDBPyConnection,
    raw: RawTable,
    name: str,
    reading: _Reading,
    issues: IssueList,
    *,
    required: bool,
) -> None:
    missing = f"({reading.value}) IS NULL"
    wrong = missing if required else f"{missing} AND ({reading.present}) IS NOT NULL"
    found = con.execute(f"SELECT count(*) FROM {raw.relation} WHERE {wrong}").fetchone()
    count = int(found[0]) if found else 0
    if not count:
        return
    rows = con.execute(
        f"SELECT {raw.at} AS _at, CAST({reading.present} AS VARCHAR) FROM {raw.relation} "
        f"WHERE {wrong} ORDER BY _at LIMIT {PER_FILE}"
    ).fetchall()
    locations = raw.locate_rows(row_key for row_key, _ in rows)
    for row_key, value in rows:
        file, line = locations[row_key]
        issues.add(file, _misfit_message(value, reading), row=line, column=raw.given[name])
    issues.count(raw.source.label, count - len(rows))


def _misfit_message(value: str | None, reading: _Reading) -> str:
    if value is None:
        return "is empty"
    if value.strip("+-").lower() == "nan":
        return f"{value!r} {reading.complaint}; leave it empty where it is unknown"
    shown = value if len(value) <= 60 else f"{value[:57]}…"
    if reading.complaint == _NOT_WHOLE and re.fullmatch(_WHOLE, value):
        return f"{shown!r} is beyond 64 bits"
    if reading.complaint == _NOT_WHOLE and re.fullmatch(_FLOAT, value):
        return f"{shown!r} {_NOT_WHOLE}: written as a float, it may have lost digits; write it as an integer"
    return f"{shown!r} {reading.complaint}"
