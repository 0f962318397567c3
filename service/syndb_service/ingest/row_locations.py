"""Row locations: finds the file and line of a row, for issues."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow.parquet

from syndb_service.ingest.delimited_text import DelimitedText

FILE_BITS: Final = 40


class RowLocator(Protocol):
    """Finder of the file and row, as the user counts them, for the location keys in a column ``_at``."""

    def of(self, row_keys: Collection[int]) -> dict[int, tuple[str, int]]:
        """Return the file and the row of each location key."""

    def cell_texts(self, row_keys: Collection[int], column: str) -> dict[int, str]:
        """Return the text of a column at each location key; empty unless the file is text."""


@dataclass(frozen=True, slots=True)
class TextRowLocator:
    """Locator for a text file: ``_at`` numbers its complete rows from 1.

    Parameters
    ----------
    label : str
        The name of the file for the user.
    text : DelimitedText
        The file.
    loaded : int
        Number of complete rows.
    """

    label: str
    text: DelimitedText
    loaded: int

    def of(self, row_keys: Collection[int]) -> dict[int, tuple[str, int]]:
        """Return the lines, as an editor shows them."""
        lines = self.text.lines_of(row_keys, self.loaded)
        return {row_key: (self.label, lines[row_key]) for row_key in row_keys}

    def cell_texts(self, row_keys: Collection[int], column: str) -> dict[int, str]:
        """Read the fields again from the file."""
        header = self.text.header if self.text.named else [str(n + 1) for n in range(len(self.text.header))]
        return self.text.fields_of(row_keys, header.index(column)) if column in header else {}


@dataclass(frozen=True, slots=True)
class ParquetRowLocator:
    """Locator for Parquet files: ``_at`` combines the file's number and the row's number in one BIGINT."""

    labels: tuple[str, ...]

    def of(self, row_keys: Collection[int]) -> dict[int, tuple[str, int]]:
        """Return the files and the rows, counted from 1."""
        return {
            row_key: (self.labels[row_key >> FILE_BITS], row_key & ((1 << FILE_BITS) - 1))
            for row_key in row_keys
        }

    def cell_texts(self, row_keys: Collection[int], column: str) -> dict[int, str]:
        """Return nothing: Parquet has no text of numbers."""
        return {}


@dataclass(frozen=True, slots=True)
class LineRowLocator:
    """Locator for files whose ``_at`` is the line, recorded when the file was read.

    Parameters
    ----------
    label : str
        The name of the file for the user.
    made : Path, optional
        The Parquet file made from it: texts, with their lines in ``_at``.
    """

    label: str
    made: Path | None = None

    def of(self, row_keys: Collection[int]) -> dict[int, tuple[str, int]]:
        """Return the location keys, which are the lines."""
        return {row_key: (self.label, row_key) for row_key in row_keys}

    def cell_texts(self, row_keys: Collection[int], column: str) -> dict[int, str]:
        """Read the texts from the Parquet file; omit lines with several rows."""
        if self.made is None:
            return {}
        found = pyarrow.parquet.read_table(
            self.made, columns=["_at", column], filters=[("_at", "in", list(row_keys))]
        ).to_pydict()
        lines = found["_at"]
        pairs = zip(lines, found[column], strict=True)
        return {
            row_key: str(text) for row_key, text in pairs if text is not None and lines.count(row_key) == 1
        }
