"""Rows with values that can't be: noted by file, row and column."""

# ruff: noqa: S608 - the names in the SQL are the schema's, and texts are quoted

from __future__ import annotations

import math

import duckdb

from syndb_service.intake.columns import columns_of
from syndb_service.intake.findings import PER_FILE, Findings
from syndb_service.intake.values import Typed


def note_rows(
    con: duckdb.DuckDBPyConnection,
    table: Typed,
    column: str,
    condition: str,
    message: str,
    findings: Findings,
) -> None:
    """Note the rows of a table that meet a condition; ``message`` has a ``{}`` for the column's value."""
    row = con.execute(f"SELECT count(*) FROM {table.relation} WHERE {condition}").fetchone()
    if not row or not row[0]:
        return
    rows = con.execute(
        f"SELECT _at, {column} FROM {table.relation} WHERE {condition} ORDER BY _at LIMIT {PER_FILE}"
    ).fetchall()
    places = table.raw.places(at for at, _ in rows)
    for at, value in rows:
        file, line = places[at]
        shown = f"{value:g}" if isinstance(value, float) else value
        findings.add(file, message.format(shown), row=line, column=table.raw.given[column])
    findings.count(table.raw.source.label, row[0] - len(rows))


def check_ranges(con: duckdb.DuckDBPyConnection, table: Typed, findings: Findings) -> None:
    """Note values outside the range that the schema states for their column."""
    for column in columns_of(table.raw.source.table):
        if column.range is None or column.name not in table.columns:
            continue
        low, high = column.range
        if math.isinf(high):
            note_rows(con, table, column.name, f"{column.name} < {low}", f"{{}} is below {low}", findings)
        else:
            outside = f"{column.name} NOT BETWEEN {low} AND {high}"
            note_rows(con, table, column.name, outside, f"{{}} is not from {low} to {high}", findings)
