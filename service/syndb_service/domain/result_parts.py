"""Parts of a result file: the answer of a graph job, and the tables that the request asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from syndb_service.domain.stored_json import select_fields
from syndb_service.text.truncation import shorten_columns


@dataclass(frozen=True, slots=True)
class FilePart:
    """A range of a result file that is downloaded as a separate file.

    Parameters
    ----------
    name, format : str
        Name and format of the part.
    start, bytes : int
        Offset and size, in bytes.
    sha256 : str
        Digest of the part.
    rows : int or None
        Rows of a table.
    columns : tuple of (name, type)
        Columns of a table.
    """

    name: str
    format: str
    start: int
    bytes: int
    sha256: str
    rows: int | None = None
    columns: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Convert the part to JSON values."""
        return {**asdict(self), "columns": [list(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FilePart:
        """Read back what :meth:`as_dict` wrote."""
        columns = tuple((name, kind) for name, kind in shorten_columns(values["columns"]))
        return cls(**{**select_fields(cls, values), "columns": columns})


@dataclass(slots=True)
class _OpenPart:
    header: Mapping[str, Any]
    start: int
    bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class PartSplitter:
    """Split a stream of bytes into parts, and compute the digest of each.

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
        self._open: list[_OpenPart] = []

    def begin(self, header: Mapping[str, Any]) -> None:
        """Begin a part; ``header`` describes the bytes that follow."""
        last = self._open[-1] if self._open else None
        self._open.append(_OpenPart(header, last.start + last.bytes if last else 0))

    def feed(self, data: bytes) -> None:
        """Add bytes to the current part; bytes before the first part are ignored."""
        if self._open:
            self._open[-1].bytes += len(data)
            self._open[-1].digest.update(data)

    def finished_parts(self) -> tuple[FilePart, ...]:
        """Return the parts, in their order."""
        return tuple(
            FilePart.from_dict(
                {
                    "rows": None,
                    "columns": [],
                    **part.header,
                    "start": part.start,
                    "bytes": part.bytes,
                    "sha256": part.digest.hexdigest(),
                }
            )
            for part in self._open
        )
