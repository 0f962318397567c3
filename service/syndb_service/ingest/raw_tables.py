"""A table as the folder has it, loaded into a work database but not yet trusted.

Each raw relation has the schema's column names. ``RawTable.at`` is the SQL of a row's place, so that any row
that turns out wrong can be named.
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
    """A loaded table.

    Parameters
    ----------
    source : Source
        The file or files it came from.
    relation : str
        Its relation in the work database.
    types : mapping of str to str
        DuckDB's types of its columns, by the schema's names.
    given : mapping of str to str
        The names its columns have in the file, by the schema's names.
    rows : int
        Number of its rows.
    where : Places
        Finds the file and the row of a place.
    at : str
        The SQL of a row's place.
    scratch : tuple of str
        What to drop once the table is typed, such as ``TABLE raw_neurons``; none where it is read in place.
    scales : mapping of str to float
        What to multiply a column by to come to its unit.
    """

    source: TableFile
    relation: str
    types: Mapping[str, str]
    given: Mapping[str, str]
    rows: int
    where: RowLocator
    at: str = "_at"
    scratch: tuple[str, ...] = ()
    scales: Mapping[str, float] = field(default_factory=dict)

    def locate_rows(self, ats: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Find the file and the row, as the user counts them, of some places."""
        return self.where.of(set(ats))

    def cell_texts(self, ats: Iterable[int], column: str) -> dict[int, str]:
        """Find a column's values in some places as a text file has them; nothing of other files."""
        return self.where.cell_texts(set(ats), self.given[column]) if column not in self.scales else {}


def load(
    con: duckdb.DuckDBPyConnection,
    source: TableFile,
    ignored: Iterable[str],
    findings: IssueList,
    told: Callable[[float], None] | None = None,
) -> RawTable | None:
    """Load a table; None, with findings, where the file can't be read or lacks what is required."""
    if source.is_text:
        return _load_text(con, source, ignored, findings, told)
    return _load_parquet(con, source, ignored, findings)


def _load_text(
    con: duckdb.DuckDBPyConnection,
    source: TableFile,
    ignored: Iterable[str],
    findings: IssueList,
    told: Callable[[float], None] | None,
) -> RawTable | None:
    text = open_text(source, findings, told)
    if text is None:
        return None
    fault = missing_header_message(source.table, text.header, ignored)
    if fault is not None:
        findings.add(source.label, fault, row=1)
        return None
    matched = match_columns(source.table, text.header, ignored, source.label, findings)
    if not matched:
        return None
    relation = f"raw_{source.table}"
    places = load_text(con, source, text, relation, matched, findings)
    if places is None:
        return None
    given = {name: text.header[position] for name, position in matched.items()}
    types = dict.fromkeys(matched, "VARCHAR")
    scratch = (f"TABLE {relation}",)
    return RawTable(source, relation, types, given, places.loaded, places, "(rowid + 1)", scratch)


def _load_parquet(
    con: duckdb.DuckDBPyConnection, source: TableFile, ignored: Iterable[str], findings: IssueList
) -> RawTable | None:
    schema = describe_parquet(con, source, findings)
    if schema is None:
        return None
    header = list(schema)
    matched = match_columns(source.table, header, ignored, source.labels[0], findings)
    if not matched:
        return None
    given = {name: header[position] for name, position in matched.items()}
    relation = f"raw_{source.table}"
    places = view_parquet(con, source, relation, given, findings)
    if places is None:
        return None
    types = {name: schema[column] for name, column in given.items()}
    return RawTable(source, relation, types, given, count_rows(con, relation), places)
