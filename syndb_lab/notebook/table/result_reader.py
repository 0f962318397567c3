"""Reads a result file by chunks, so that only the requested rows are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.notebook.table.file_chunks import ArrowChunks, Chunks, ParquetChunks, UncompressedFile
from syndb_lab.results.csv_reader import read_csv

if TYPE_CHECKING:
    import numpy as np
    import pyarrow

MAX_CHUNKS: Final = 2


class ResultReader:
    """A result file, read by row numbers and column numbers, so that names of columns can repeat.

    A compressed file is decompressed by chunks (a record batch or a row group), and only in the requested
    columns. A sorted table needs scattered rows; they are read from an uncompressed copy, which is mapped
    into memory and has no name.

    Parameters
    ----------
    path : Path
        The file; its suffix is the format.
    columns : sequence of dict
        ``name`` and ``type`` of each column, as in the job's record.
    folder : Path, optional
        Folder of the uncompressed copy; by default that of the result file.
    """

    def __init__(
        self, path: Path, columns: Sequence[dict[str, str]] = (), folder: Path | None = None
    ) -> None:
        import numpy as np

        self._beside = (folder or path.parent) / path.name
        self._uncompressed: UncompressedFile | None = None
        self._chunks: Chunks
        if path.suffix == ".arrow":
            self._chunks = ArrowChunks(path)
        elif path.suffix == ".parquet":
            self._chunks = ParquetChunks(path)
        elif path.suffix == ".csv":
            table = read_csv(path, columns)
            self._chunks = self._uncompressed = UncompressedFile(
                self._beside, table.schema, iter(table.to_batches())
            )
        else:
            raise ResultUnsuitable(f"a {path.suffix[1:]} result holds no table")
        self.schema: pyarrow.Schema = self._chunks.schema
        self._starts = np.cumsum([0, *self._chunks.lengths])
        self.count = int(self._starts[-1])
        self._recent: dict[tuple[int, tuple[int, ...]], Any] = {}

    def map_uncompressed(self) -> pyarrow.Table:
        """Return all rows as a table mapped into memory: the row number ``n``, then ``c0``, ``c1``, …."""
        if self._uncompressed is None:
            batches = (self._chunks.chunk(index, None) for index in range(len(self._chunks.lengths)))
            self._uncompressed = UncompressedFile(self._beside, self.schema, batches)
            self._chunks.close()
            self._chunks = self._uncompressed
            self._recent.clear()
        return self._uncompressed.table

    def rows(self, numbers: np.ndarray[Any, Any], columns: Sequence[int]) -> pyarrow.Table:
        """Read rows by number (at least one), in the given order, as columns ``c0``, ``c1``, …."""
        import numpy as np
        import pyarrow as pa

        names = [f"c{index}" for index in range(len(columns))]
        chunk_numbers = np.searchsorted(self._starts, numbers, side="right") - 1
        order = np.argsort(chunk_numbers, kind="stable")
        parts = []
        for chunk in np.unique(chunk_numbers):
            offsets = numbers[order[chunk_numbers[order] == chunk]] - self._starts[chunk]
            parts.append(self._chunk(int(chunk), tuple(columns)).take(pa.array(offsets)))
        tables = [pa.table(part.columns, names=names) for part in parts]
        return pa.concat_tables(tables).take(pa.array(np.argsort(order, kind="stable")))

    def _chunk(self, index: int, columns: tuple[int, ...]) -> pyarrow.RecordBatch | pyarrow.Table:
        key = (index, columns)
        if key not in self._recent:
            while len(self._recent) >= MAX_CHUNKS:
                self._recent.pop(next(iter(self._recent)))
            self._recent[key] = self._chunks.chunk(index, columns)
        return self._recent[key]

    def close(self) -> None:
        """Close the file."""
        self._recent.clear()
        self._chunks.close()
