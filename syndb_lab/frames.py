"""Result files as frames, with every 64-bit id as it was, NULLs or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.forked_polars import refuse_polars_after_fork

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

FrameKind = Literal["polars", "pandas", "arrow", "duckdb"]
RELATION: Final = "result"


def to_arrow(path: Path, columns: Sequence[dict[str, str]] = ()) -> pyarrow.Table:
    """Read a result file; an Arrow file is mapped into memory, not copied.

    Parameters
    ----------
    path : Path
        The file; its suffix is the format.
    columns : sequence of dict
        ``name`` and ``type`` of each column, as in the job's record: what a CSV file doesn't say itself.

    Returns
    -------
    pyarrow.Table
    """
    if path.suffix == ".arrow":
        return mapped(path).read_all()
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path)
    if path.suffix == ".csv":
        return read_csv(path, columns)
    raise ResultUnsuitable(f"a {path.suffix[1:]} result holds no table")


def mapped(path: Path) -> pyarrow.ipc.RecordBatchFileReader:
    """Open an Arrow file in place: its schema and batches are known, none of its rows is read."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(path)))


def read_csv(path: Path, columns: Sequence[dict[str, str]]) -> pyarrow.Table:
    """Read CSV with the recorded types; an empty field is NULL, an empty text is written ``""``."""
    import pyarrow as pa
    from pyarrow import csv

    types = {column["name"]: arrow_type(column["type"]) for column in columns}
    options = csv.ConvertOptions(
        column_types={name: kind for name, kind in types.items() if kind is not None},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    try:
        return csv.read_csv(path, parse_options=parse, convert_options=options)
    except pa.ArrowInvalid as error:
        raise ResultUnsuitable(
            f"the CSV result can't be read as a table: {error}",
            hint='Submit the query with format="arrow", or read the file yourself: job.result_path().',
        ) from error


def arrow_type(name: str) -> pyarrow.DataType | None:
    """Find an Arrow type by its name in the record; None leaves it to be found from the data."""
    import pyarrow as pa

    if decimal := re.fullmatch(r"decimal128\((\d+), (\d+)\)", name):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return None


def to_polars(path: Path, columns: Sequence[dict[str, str]] = ()) -> polars.DataFrame:
    """Read a result file into polars."""
    import polars as pl

    refuse_polars_after_fork()
    if path.suffix == ".arrow":
        check_for_polars(mapped(path).schema)
        return pl.read_ipc(path)
    table = to_arrow(path, columns)
    check_for_polars(table.schema)
    frame = pl.from_arrow(table)
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


def to_lazy(path: Path, columns: Sequence[dict[str, str]] = ()) -> polars.LazyFrame:
    """Open a result file in polars without reading it: Arrow and Parquet are read where they are needed.

    The frame holds the open file, not its name: it stays readable when the file is removed.
    """
    import polars as pl

    refuse_polars_after_fork()
    if path.suffix == ".arrow":
        check_for_polars(mapped(path).schema)
        with path.open("rb") as file:
            return pl.scan_ipc(file)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        check_for_polars(pq.read_schema(path))
        with path.open("rb") as file:
            return pl.scan_parquet(file)
    return to_polars(path, columns).lazy()


def check_for_polars(schema: pyarrow.Schema) -> None:
    """Refuse columns of a type that polars doesn't have.

    Raises
    ------
    ResultUnsuitable
        Naming the first of them.
    """
    for field in schema:
        if is_beyond_polars(field.type):
            raise ResultUnsuitable(
                f"polars has no type for the column {field.name!r} ({field.type})",
                hint=f"Cast it in the query ({field.name}::VARCHAR), or take to_arrow() or to_duckdb().",
            )


def is_beyond_polars(kind: pyarrow.DataType) -> bool:
    """Whether a type holds an interval or a union, on which polars stops the whole program."""
    from pyarrow import types

    nested = (kind.field(index).type for index in range(kind.num_fields))
    return types.is_interval(kind) or types.is_union(kind) or any(map(is_beyond_polars, nested))


def to_pandas(path: Path, columns: Sequence[dict[str, str]] = ()) -> pandas.DataFrame:
    """Read a result file into pandas with Arrow columns: an id column with a NULL stays exact."""
    import pandas as pd

    return to_arrow(path, columns).to_pandas(types_mapper=pd.ArrowDtype)


def to_duckdb(path: Path, columns: Sequence[dict[str, str]] = ()) -> duckdb.DuckDBPyRelation:
    """Read a result file into a relation of a fresh in-memory DuckDB."""
    import duckdb

    connection = duckdb.connect()
    connection.register(RELATION, to_arrow(path, columns))
    return connection.table(RELATION)


def to_frame(path: Path, kind: FrameKind, columns: Sequence[dict[str, str]] = ()) -> Any:
    """Read a result file into the kind of frame that was asked for."""
    readers = {"polars": to_polars, "pandas": to_pandas, "arrow": to_arrow, "duckdb": to_duckdb}
    return readers[kind](path, columns)
