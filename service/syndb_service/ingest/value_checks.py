"""Checks of values: records an issue with file, row and column for each invalid one."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

import math

import duckdb

from syndb_service.ingest.column_mapping import columns_of
from syndb_service.ingest.issues import PER_FILE, IssueList
from syndb_service.ingest.type_conversion import TypedTable


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
