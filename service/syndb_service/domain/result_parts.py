"""A result of several parts in one file: the answer of a graph job, and the tables that were asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from syndb_service.domain.stored_json import select_fields
from syndb_service.text.truncation import shorten_columns


@dataclass(frozen=True, slots=True)
class FilePart:
    """A stretch of a result's file that is given out as a file of its own.

    Parameters
    ----------
    name, format : str
        What it is called, and what it is.
    start, bytes : int
        Where it begins, and its size.
    sha256 : str
        Of these bytes alone.
    rows : int or None
        Of a table.
    columns : tuple of (name, type)
        Of a table.
    """

    name: str
    format: str
    start: int
    bytes: int
    sha256: str
    rows: int | None = None
    columns: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the part as plain JSON-able values."""
        return {**asdict(self), "columns": [list(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FilePart:
        """Read back what :meth:`as_dict` wrote."""
        columns = tuple((name, kind) for name, kind in shorten_columns(values["columns"]))
        return cls(**{**select_fields(cls, values), "columns": columns})


@dataclass(slots=True)
class _Open:
    told: Mapping[str, Any]
    start: int
    bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class PartSplitter:
    """Cuts what comes into parts, and takes the checksum of each.

    Examples
    --------
    >>> parts = PartSplitter()
    >>> parts.begin({"name": "answer", "format": "json"})
    >>> parts.feed(b"{}")
    >>> parts.begin({"name": "neurons", "format": "arrow", "rows": 1, "columns": [["neuron_id", "int64"]]})
    >>> parts.feed(b"ARROW1")
    >>> [(part.name, part.start, part.bytes) for part in parts.finished_parts()]
    [('answer', 0, 2), ('neurons', 2, 6)]
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def begin(self, told: Mapping[str, Any]) -> None:
        """Say what the bytes are that come from here on."""
        before = self._open[-1] if self._open else None
        self._open.append(_Open(told, before.start + before.bytes if before else 0))

    def feed(self, data: bytes) -> None:
        """Count and hash what came; before the first part begins it belongs to none."""
        if self._open:
            self._open[-1].bytes += len(data)
            self._open[-1].digest.update(data)

    def finished_parts(self) -> tuple[FilePart, ...]:
        """Return the parts that came."""
        return tuple(
            FilePart.from_dict(
                {
                    "rows": None,
                    "columns": [],
                    **each.told,
                    "start": each.start,
                    "bytes": each.bytes,
                    "sha256": each.digest.hexdigest(),
                }
            )
            for each in self._open
        )
