"""Writes Parquet for a file that DuckDB can't read: text columns, and the line of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH: Final = 100_000


class ParquetRows:
    """Writer of rows to Parquet, a batch at a time.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        The names of the columns.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        schema = pa.schema([("_at", pa.int64()), *((name, pa.string()) for name in self._columns)])
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="lz4")
        self._rows: list[tuple[int | str | None, ...]] = []

    def add(self, line: int, *values: str | None) -> None:
        """Add a row with its line."""
        self._rows.append((line, *values))
        if len(self._rows) >= _BATCH:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = list(zip(*self._rows, strict=True)) or [()] * len(self._schema)
        arrays = [pa.array(values, kind) for values, kind in zip(columns, self._schema.types, strict=True)]
        self._writer.write_table(pa.table(arrays, schema=self._schema))
        self._rows = []


@contextmanager
def open_parquet_rows(
    work: Path, stem: str, neurons: Sequence[str], edges: Sequence[str]
) -> Iterator[tuple[ParquetRows, ParquetRows, Path, Path]]:
    """Open writers for neurons and edges; ``stem`` begins the names of their files."""
    paths = work / f"{stem}-neurons.parquet", work / f"{stem}-edges.parquet"
    with ParquetRows(paths[0], neurons) as first, ParquetRows(paths[1], edges) as second:
        yield first, second, *paths
