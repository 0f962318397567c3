"""Where a row that turned out wrong stands in the user's file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow.parquet

from syndb_service.ingest.delimited_text import DelimitedText

FILE_BITS: Final = 40


class RowLocator(Protocol):
    """Tells the file and the row, as the user counts them, of the places in a column ``_at``."""

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Find some places."""

    def cell_texts(self, ats: Collection[int], column: str) -> dict[int, str]:
        """Find the text of a column of the file in some places, where it is a text file's."""


@dataclass(frozen=True, slots=True)
class TextRowLocator:
    """Places in a text file: ``_at`` counts its whole rows from 1.

    Parameters
    ----------
    label : str
        The file as the user sees it.
    text : Text
        The file.
    loaded : int
        How many whole rows it has.
    """

    label: str
    text: DelimitedText
    loaded: int

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Find the lines, as an editor shows them."""
        lines = self.text.lines_of(ats, self.loaded)
        return {at: (self.label, lines[at]) for at in ats}

    def cell_texts(self, ats: Collection[int], column: str) -> dict[int, str]:
        """Read the fields again."""
        header = self.text.header if self.text.named else [str(n + 1) for n in range(len(self.text.header))]
        return self.text.fields_of(ats, header.index(column)) if column in header else {}


@dataclass(frozen=True, slots=True)
class ParquetRowLocator:
    """Places in Parquet files: ``_at`` is the file's number and the row's ordinal in one BIGINT."""

    labels: tuple[str, ...]

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Find the files and the rows, counted from 1."""
        return {at: (self.labels[at >> FILE_BITS], at & ((1 << FILE_BITS) - 1)) for at in ats}

    def cell_texts(self, ats: Collection[int], column: str) -> dict[int, str]:
        """Find nothing: a number has no text there."""
        return {}


@dataclass(frozen=True, slots=True)
class LineRowLocator:
    """Places whose ``_at`` is the line itself, noted when the file was read.

    Parameters
    ----------
    label : str
        The file as the user sees it.
    made : Path, optional
        What was made of it: texts, with their lines in ``_at``.
    """

    label: str
    made: Path | None = None

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Give the lines back."""
        return {at: (self.label, at) for at in ats}

    def cell_texts(self, ats: Collection[int], column: str) -> dict[int, str]:
        """Look the lines up in what was made; where several cells of a line were taken, in none."""
        if self.made is None:
            return {}
        found = pyarrow.parquet.read_table(
            self.made, columns=["_at", column], filters=[("_at", "in", list(ats))]
        ).to_pydict()
        lines = found["_at"]
        each = zip(lines, found[column], strict=True)
        return {at: str(text) for at, text in each if text is not None and lines.count(at) == 1}
