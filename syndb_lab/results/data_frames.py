"""Result files as data frames, with exact 64-bit ids, also in columns with NULLs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any, Final, Literal

from syndb_lab.conversion.column_types import restored_type
from syndb_lab.conversion.date_times import check_moments, is_temporal, quote_identifier
from syndb_lab.errors import ResultUnsuitable
from syndb_lab.results.csv_reader import read_csv
from syndb_lab.results.library_startup import start_arrow, start_polars
from syndb_lab.results.polars_after_fork import refuse_polars_after_fork

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

FrameKind = Literal["polars", "pandas", "arrow", "duckdb"]
RELATION: Final = "result"
ASCII_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def to_arrow(path: Path, columns: Sequence[dict[str, str]] = ()) -> pyarrow.Table:
    """Read a result file; an Arrow file is mapped into memory, not copied.

    Parameters
    ----------
    path : Path
        The file; its suffix is the format.
    columns : sequence of dict
        ``name`` and ``type`` of each column, as in the job's record; a CSV file does not contain them.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    ResultUnsuitable
        A timestamp in nanoseconds is infinite: Arrow would show it as the year 2262.
    """
    table = read_table(path, columns)
    check_moments(table.select(nanoseconds(table.schema)), "Arrow")
    return table


def nanoseconds(schema: pyarrow.Schema) -> list[int]:
    """Return the indices of the columns in nanoseconds, whose infinite values Arrow shows as dates."""
    return [number for number, field in enumerate(schema) if "[ns" in str(field.type)]


def read_table(path: Path, columns: Sequence[dict[str, str]] = ()) -> pyarrow.Table:
    """Read a result file into an Arrow table, without checks for values that a library can't hold."""
    start_arrow()
    if path.suffix == ".arrow":
        return map_arrow_file(path).read_all()
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.ParquetFile(path).read()
    if path.suffix == ".csv":
        return read_csv(path, columns)
    raise ResultUnsuitable(f"a {path.suffix[1:]} result holds no table")


def map_arrow_file(path: Path) -> pyarrow.ipc.RecordBatchFileReader:
    """Map an Arrow file into memory: its schema and batches are known, and no row is read."""
    start_arrow()
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path)))


def to_polars(path: Path, columns: Sequence[dict[str, str]] = ()) -> polars.DataFrame:
    """Read a result file into polars."""
    refuse_polars_after_fork()
    start_arrow()
    start_polars()
    import polars as pl

    if path.suffix == ".arrow":
        check_for_polars(map_arrow_file(path).schema)
        check_moments(read_temporal_columns(path), "polars")
        return pl.read_ipc(path)
    table = read_table(path, columns)
    check_for_polars(table.schema)
    check_moments(table, "polars")
    frame = pl.from_arrow(table)
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


def to_lazy(path: Path, columns: Sequence[dict[str, str]] = ()) -> polars.LazyFrame:
    """Open a result file in polars: rows of Arrow and Parquet files are read when they are needed.

    The lazy frame holds the open file, so it stays readable if the file is removed.

    Columns with dates and times are read at once, to reject infinite values, which polars does not have.
    """
    refuse_polars_after_fork()
    start_arrow()
    start_polars()
    import polars as pl

    if path.suffix == ".arrow":
        check_for_polars(map_arrow_file(path).schema)
        check_moments(read_temporal_columns(path), "polars")
        with path.open("rb") as file:
            return pl.scan_ipc(file)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        check_for_polars(pq.read_schema(path))
        check_moments(read_temporal_columns(path), "polars")
        with path.open("rb") as file:
            return pl.scan_parquet(file)
    return to_polars(path, columns).lazy()


def read_temporal_columns(path: Path) -> pyarrow.Table:
    """Read only the columns with dates and times of an Arrow or a Parquet file."""
    import pyarrow as pa

    if path.suffix == ".arrow":
        numbers = [
            number for number, field in enumerate(map_arrow_file(path).schema) if is_temporal(field.type)
        ]
        if not numbers:
            return pa.table({})
        options = pa.ipc.IpcReadOptions(included_fields=numbers)
        return pa.ipc.open_file(pa.memory_map(str(path)), options=options).read_all()
    import pyarrow.parquet as pq

    names = [field.name for field in pq.read_schema(path) if is_temporal(field.type)]
    return pq.ParquetFile(path).read(columns=names) if names else pa.table({})


def check_for_polars(schema: pyarrow.Schema) -> None:
    """Raise for a column of a type that polars does not have.

    Raises
    ------
    ResultUnsuitable
        There is one; the message names the first.
    """
    refuse_intervals(schema, "polars has no type for", "to_duckdb()")


def refuse_intervals(schema: pyarrow.Schema, problem: str, instead: str) -> None:
    """Raise for a column that holds intervals or unions.

    Parameters
    ----------
    schema : pyarrow.Schema
        The columns.
    problem : str
        What is wrong with them, as the beginning of the message.
    instead : str
        The method that returns them.

    Raises
    ------
    ResultUnsuitable
        There is one; the message names the first.
    """
    for field in schema:
        if holds_intervals(field.type):
            raise ResultUnsuitable(
                f"{problem} the column {field.name!r} ({field.type})",
                hint=f"Write CAST({quote_identifier(field.name)} AS VARCHAR) in the query, or take "
                f"{instead}.",
            )


def holds_intervals(kind: pyarrow.DataType) -> bool:
    """Whether a type holds an interval or a union, on which polars aborts the process."""
    from pyarrow import types

    nested = (kind.field(index).type for index in range(kind.num_fields))
    return types.is_interval(kind) or types.is_union(kind) or any(map(holds_intervals, nested))


def to_pandas(path: Path, columns: Sequence[dict[str, str]] = ()) -> pandas.DataFrame:
    """Read a result file into pandas with Arrow columns: ids stay exact in a column with NULLs."""
    import pandas as pd

    table = read_table(path, columns)
    check_for_pandas(table.schema)
    check_moments(table, "pandas")
    return table.to_pandas(types_mapper=pd.ArrowDtype)


def check_for_pandas(schema: pyarrow.Schema) -> None:
    """Raise for a column that pandas can hold but not show.

    Raises
    ------
    ResultUnsuitable
        There is one; the message names the first.
    """
    refuse_intervals(schema, "pandas can't show", "to_arrow()")


def to_duckdb(path: Path, columns: Sequence[dict[str, str]] = ()) -> duckdb.DuckDBPyRelation:
    """Read a result file into a relation of a new in-memory DuckDB, each column in its SQL type."""
    import duckdb

    connection = duckdb.connect()
    table = read_table(path, columns)
    kinds = [restored_type(field) for field in table.schema]
    names = [name.translate(ASCII_LOWER) for name in table.column_names]
    if not any(kinds) and len(set(names)) == len(names):
        connection.register(RELATION, table)
        return connection.table(RELATION)
    connection.register(RELATION, table.rename_columns([f"c{number}" for number in range(len(kinds))]))
    written = [
        f"{f'CAST(c{number} AS {kind})' if kind else f'c{number}'} AS {quote_identifier(name)}"
        for number, (kind, name) in enumerate(zip(kinds, table.column_names, strict=True))
    ]
    return connection.sql(f"SELECT {', '.join(written)} FROM {RELATION}")  # noqa: S608 - names are quoted


def to_frame(path: Path, kind: FrameKind, columns: Sequence[dict[str, str]] = ()) -> Any:
    """Read a result file into the requested kind of data frame."""
    readers = {"polars": to_polars, "pandas": to_pandas, "arrow": to_arrow, "duckdb": to_duckdb}
    return readers[kind](path, columns)
