"""Raw tables: loaded into the work database and not yet checked.

A raw relation has the schema's column names. ``RawTable.at`` is the SQL expression for the key of a row's
location, with which an issue names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from syndb_service.ingest.column_mapping import match_columns, missing_header_message
from syndb_service.ingest.file_reader import count_rows, describe_parquet, load_text, open_text, view_parquet
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.row_locations import RowLocator
from syndb_service.ingest.table_files import TableFile


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table that is loaded and not yet checked.

    Parameters
    ----------
    source : TableFile
        The file or files that it was loaded from.
    relation : str
        Its relation in the work database.
    types : mapping of str to str
        DuckDB's types of its columns, by the schema's names.
    given : mapping of str to str
        The names of its columns in the file, by the schema's names.
    rows : int
        Number of its rows.
    locator : RowLocator
        Finds the file and the row of a location key.
    at : str
        The SQL expression for the location key of a row.
    scratch : tuple of str
        What to drop after type conversion, such as ``TABLE raw_neurons``; empty for files read in place.
    scales : mapping of str to float
        Factors that convert columns to their units.
    """

    source: TableFile
    relation: str
    types: Mapping[str, str]
    given: Mapping[str, str]
    rows: int
    locator: RowLocator
    at: str = "_at"
    scratch: tuple[str, ...] = ()
    scales: Mapping[str, float] = field(default_factory=dict)

    def locate_rows(self, row_keys: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return the file and the row, as the user counts them, of location keys."""
        return self.locator.of(set(row_keys))

    def cell_texts(self, row_keys: Iterable[int], column: str) -> dict[int, str]:
        """Return the unconverted values of a column at location keys; empty unless the file is text."""
        return self.locator.cell_texts(set(row_keys), self.given[column]) if column not in self.scales else {}


def load(
    con: duckdb.DuckDBPyConnection,
    source: TableFile,
    ignored: Iterable[str],
    issues: IssueList,
    on_fraction: Callable[[float], None] | None = None,
) -> RawTable | None:
    """Load a table; return None and record issues if the file is unreadable or lacks required columns."""
    if source.is_text:
        return _load_text(con, source, ignored, issues, on_fraction)
    return _load_parquet(con, source, ignored, issues)


def _load_text(
    con: duckdb.DuckDBPyConnection,
    source: TableFile,
    ignored: Iterable[str],
    issues: IssueList,
    on_fraction: Callable[[float], None] | None,
) -> RawTable | None:
    text = open_text(source, issues, on_fraction)
    if text is None:
        return None
    fault = missing_header_message(source.table, text.header, ignored)
    if fault is not None:
        issues.add(source.label, fault, row=1)
        return None
    matched = match_columns(source.table, text.header, ignored, source.label, issues)
    if not matched:
        return None
    relation = f"raw_{source.table}"
    locations = load_text(con, source, text, relation, matched, issues)
    if locations is None:
        return None
    given = {name: text.header[position] for name, position in matched.items()}
    types = dict.fromkeys(matched, "VARCHAR")
    scratch = (f"TABLE {relation}",)
    return RawTable(source, relation, types, given, locations.loaded, locations, "(rowid + 1)", scratch)


def _load_parquet(
    con: duckdb.DuckDBPyConnection, source: TableFile, ignored: Iterable[str], issues: IssueList
) -> RawTable | None:
    schema = describe_parquet(con, source, issues)
    if schema is None:
        return None
    header = list(schema)
    matched = match_columns(source.table, header, ignored, source.labels[0], issues)
    if not matched:
        return None
    given = {name: header[position] for name, position in matched.items()}
    relation = f"raw_{source.table}"
    locations = view_parquet(con, source, relation, given, issues)
    if locations is None:
        return None
    types = {name: schema[column] for name, column in given.items()}
    return RawTable(source, relation, types, given, count_rows(con, relation), locations)
