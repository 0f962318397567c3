"""Where a row that turned out wrong stands in the user's file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from syndb_service.intake.text import Text

FILE_BITS: Final = 40


class Places(Protocol):
    """Tells the file and the row, as the user counts them, of the places in a column ``_at``."""

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Find some places."""


@dataclass(frozen=True, slots=True)
class TextPlaces:
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
    text: Text
    loaded: int

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Find the lines, as an editor shows them."""
        lines = self.text.lines_of(ats, self.loaded)
        return {at: (self.label, lines[at]) for at in ats}


@dataclass(frozen=True, slots=True)
class ParquetPlaces:
    """Places in Parquet files: ``_at`` is the file's number and the row's ordinal in one BIGINT."""

    labels: tuple[str, ...]

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Find the files and the rows, counted from 1."""
        return {at: (self.labels[at >> FILE_BITS], at & ((1 << FILE_BITS) - 1)) for at in ats}


@dataclass(frozen=True, slots=True)
class LinePlaces:
    """Places whose ``_at`` is the line itself, noted when the file was read."""

    label: str

    def of(self, ats: Collection[int]) -> dict[int, tuple[str, int]]:
        """Give the lines back."""
        return {at: (self.label, at) for at in ats}
