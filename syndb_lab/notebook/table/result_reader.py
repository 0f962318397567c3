"""A result file, read by pieces: what a page needs, and no more of it in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.notebook.table.file_chunks import ArrowPieces, Chunks, ParquetPieces, UncompressedFile
from syndb_lab.results.csv_reader import read_csv

if TYPE_CHECKING:
    import numpy as np
    import pyarrow

KEPT_PIECES: Final = 2


class ResultReader:
    """The rows of a result file by their numbers, the columns by theirs, so that names may repeat.

    A compressed file is decompressed by the piece (a record batch or a row group), and only in the columns
    that are asked for. Scattered rows, as a sorted table has them, are read from a file without compression
    beside it, which is mapped into memory and has no name.

    Parameters
    ----------
    path : Path
        The file; its suffix is the format.
    columns : sequence of dict
        ``name`` and ``type`` of each column, as in the job's record.
    folder : Path, optional
        Where that file is made; beside the result file, where none is named.
    """

    def __init__(
        self, path: Path, columns: Sequence[dict[str, str]] = (), folder: Path | None = None
    ) -> None:
        import numpy as np

        self._beside = (folder or path.parent) / path.name
        self._spread: UncompressedFile | None = None
        self._pieces: Chunks
        if path.suffix == ".arrow":
            self._pieces = ArrowPieces(path)
        elif path.suffix == ".parquet":
            self._pieces = ParquetPieces(path)
        elif path.suffix == ".csv":
            table = read_csv(path, columns)
            self._pieces = self._spread = UncompressedFile(
                self._beside, table.schema, iter(table.to_batches())
            )
        else:
            raise ResultUnsuitable(f"a {path.suffix[1:]} result holds no table")
        self.schema: pyarrow.Schema = self._pieces.schema
        self._starts = np.cumsum([0, *self._pieces.lengths])
        self.count = int(self._starts[-1])
        self._kept: dict[tuple[int, tuple[int, ...]], Any] = {}

    def spread(self) -> pyarrow.Table:
        """Give the whole as a table mapped into memory: the row's number ``n``, then ``c0``, ``c1``, …."""
        if self._spread is None:
            batches = (self._pieces.piece(index, None) for index in range(len(self._pieces.lengths)))
            self._spread = UncompressedFile(self._beside, self.schema, batches)
            self._pieces.close()
            self._pieces = self._spread
            self._kept.clear()
        return self._spread.table

    def rows(self, numbers: np.ndarray[Any, Any], columns: Sequence[int]) -> pyarrow.Table:
        """Read the rows of these numbers (at least one), in this order, in columns ``c0``, ``c1``, …."""
        import numpy as np
        import pyarrow as pa

        names = [f"c{index}" for index in range(len(columns))]
        pieces = np.searchsorted(self._starts, numbers, side="right") - 1
        order = np.argsort(pieces, kind="stable")
        taken = []
        for piece in np.unique(pieces):
            within = numbers[order[pieces[order] == piece]] - self._starts[piece]
            taken.append(self._piece(int(piece), tuple(columns)).take(pa.array(within)))
        tables = [pa.table(piece.columns, names=names) for piece in taken]
        return pa.concat_tables(tables).take(pa.array(np.argsort(order, kind="stable")))

    def _piece(self, index: int, columns: tuple[int, ...]) -> pyarrow.RecordBatch | pyarrow.Table:
        key = (index, columns)
        if key not in self._kept:
            while len(self._kept) >= KEPT_PIECES:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._pieces.piece(index, columns)
        return self._kept[key]

    def close(self) -> None:
        """Let the file go."""
        self._kept.clear()
        self._pieces.close()
