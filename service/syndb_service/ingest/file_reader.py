"""Loads the rows of a file as a relation of the work database, with unconverted fields."""

# ruff: noqa: S608 - names are quoted, and texts too

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import duckdb

from syndb_service.domain.table_schema import quote_name, quote_text
from syndb_service.ingest.delimited_text import DelimitedText, TextError, read_text
from syndb_service.ingest.issues import PER_FILE, IssueList
from syndb_service.ingest.row_locations import FILE_BITS, ParquetRowLocator, TextRowLocator
from syndb_service.ingest.table_files import TableFile


def open_text(
    source: TableFile,
    issues: IssueList,
    on_fraction: Callable[[float], None] | None = None,
    *,
    header: bool = True,
) -> DelimitedText | None:
    """Read a text file once to its end; return None and record an issue if it is not valid UTF-8 text."""
    try:
        return read_text(source.paths[0], on_fraction, header=header)
    except TextError as error:
        issues.add(source.label, error.message, row=error.row)
    except OSError as error:
        issues.add(source.label, f"can't be read: {error.strerror}")
    return None


def load_text(
    con: duckdb.DuckDBPyConnection,
    source: TableFile,
    text: DelimitedText,
    relation: str,
    picked: Mapping[str, int],
    issues: IssueList,
) -> TextRowLocator | None:
    """Create a table with the given columns of a text file, all VARCHAR; ``rowid + 1`` is the row's ``_at``.

    Parameters
    ----------
    con : duckdb connection
        The work database.
    source : TableFile
        The file.
    text : DelimitedText
        The content of the file.
    relation : str
        The name of the table.
    picked : mapping of str to int
        Positions in the file, by the names in the table.
    issues : IssueList
        Receives the invalid rows.
    """
    columns = ", ".join(f"c{position} AS {quote_name(name)}" for name, position in picked.items())
    try:
        con.execute(f"CREATE TABLE {relation} AS SELECT {columns} FROM {_csv(text)}")
    except duckdb.InvalidInputException:
        line, fault = text.quote_fault() or (
            None,
            "mixes the line ends of Windows and Unix, or a line is over 2 MB",
        )
        issues.add(source.label, fault, row=line)
        return None
    _note_broken(con, source, text, issues)
    return TextRowLocator(source.label, text, count_rows(con, relation))


def _csv(text: DelimitedText) -> str:
    columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(text.header)))
    return (
        f"read_csv({_literal(text.path)}, auto_detect=false, columns={{{columns}}}, "
        f"header={str(text.named).lower()}, delim={quote_text(text.delimiter)}, quote='\"', escape='\"', "
        "nullstr='', store_rejects=true, rejects_limit=0, hive_partitioning=false)"
    )


def _note_broken(
    con: duckdb.DuckDBPyConnection, source: TableFile, text: DelimitedText, issues: IssueList
) -> None:
    rejected = con.execute("SELECT DISTINCT line, error_type FROM reject_errors ORDER BY line").fetchall()
    con.execute("DROP TABLE reject_errors")
    con.execute("DROP TABLE reject_scans")
    if not rejected:
        return
    quote = text.quote_fault() if any("QUOTE" in str(kind) for _, kind in rejected) else None
    if quote is not None:
        issues.add(source.label, quote[1], row=quote[0])
        return
    width = len(text.header)
    broken = text.broken_rows(PER_FILE)
    for line, fields in broken:
        count = f"{fields} field{'s' if fields != 1 else ''}"
        issues.add(
            source.label, f"has {count} where the header has {width}, separated by {text.separator}", row=line
        )
    for line, kind in rejected[:PER_FILE] if not broken else []:
        issues.add(source.label, f"can't be read as CSV ({str(kind).lower()})", row=line)
    issues.count(source.label, len({line for line, _ in rejected}) - PER_FILE)


def describe_parquet(
    con: duckdb.DuckDBPyConnection, source: TableFile, issues: IssueList
) -> dict[str, str] | None:
    """Return the columns of Parquet files and their DuckDB types; None, with issues, if the files differ."""
    schemas = []
    for path, label in zip(source.paths, source.labels, strict=True):
        try:
            described = con.execute(f"DESCRIBE SELECT * FROM {_parquet([path])}").fetchall()
        except duckdb.Error:
            issues.add(label, "can't be read as Parquet")
            return None
        schemas.append({str(row[0]): str(row[1]) for row in described})
        if schemas[-1] != schemas[0]:
            issues.add(label, f"has other columns or types than {source.labels[0]}")
            return None
    return schemas[0]


def view_parquet(
    con: duckdb.DuckDBPyConnection,
    source: TableFile,
    relation: str,
    picked: Mapping[str, str],
    issues: IssueList,
) -> ParquetRowLocator | None:
    """Create a view of columns of Parquet files, with ``_at``; None, with issues, if a file is damaged.

    Parameters
    ----------
    con : duckdb connection
        The work database.
    source : TableFile
        The files.
    relation : str
        The name of the view.
    picked : mapping of str to str
        The columns in the files, by the names in the view.
    issues : IssueList
        Receives the files that can't be read.
    """
    if not _readable(con, source, picked.values(), issues):
        return None
    columns = "".join(f", {quote_name(given)} AS {quote_name(name)}" for name, given in picked.items())
    files = ", ".join(quote_text(str(path)) for path in source.paths)
    con.execute(
        f"CREATE VIEW {relation} AS SELECT (CAST(list_position([{files}], filename) - 1 AS BIGINT) "
        f"<< {FILE_BITS}) + file_row_number + 1 AS _at{columns} FROM {_parquet(source.paths)}"
    )
    return ParquetRowLocator(source.labels)


def _readable(
    con: duckdb.DuckDBPyConnection, source: TableFile, columns: Iterable[str], issues: IssueList
) -> bool:
    """Read the columns once to their end, because a file with a valid footer may be damaged."""
    values = ", ".join(quote_name(column) for column in columns)
    for path, label in zip(source.paths, source.labels, strict=True):
        try:
            con.execute(f"SELECT max(hash({values})) FROM {_parquet([path])}").fetchall()
        except duckdb.Error:
            issues.add(label, "can't be read as Parquet to its end")
            return False
    return True


def _parquet(paths: Iterable[Path]) -> str:
    return f"read_parquet([{', '.join(_literal(path) for path in paths)}], hive_partitioning=false)"


def _literal(path: Path) -> str:
    """Quote a path, with ``*`` and ``?`` escaped."""
    return quote_text(re.sub(r"([*?])", r"[\1]", str(path)))


def count_rows(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Count the rows of a relation, which may include a WHERE clause."""
    row = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0
