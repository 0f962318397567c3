"""Detects the kind of an export."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from syndb_service.ingest.exports import (
    adjacency_matrix,
    catmaid,
    cave,
    edge_list,
    flywire,
    graphml,
    neuprint,
)
from syndb_service.ingest.exports.file_probe import FileProbe
from syndb_service.ingest.exports.import_plan import Reader

_KNOWN = (flywire, neuprint, cave, catmaid, graphml, adjacency_matrix, edge_list)
READERS: Final = cast("tuple[Reader, ...]", _KNOWN)
FORMATS: Final = tuple(reader.NAME for reader in READERS)


def describe_exports() -> str:
    """Describe the supported exports, one per line.

    Examples
    --------
    >>> print(describe_exports().splitlines()[2].split()[0])
    flywire
    """
    lines = [f"  {reader.NAME:<10}{reader.FILES}" for reader in READERS]
    head = "Exports that are read as they are, plain or .gz, and recognised by their columns:\n"
    return "\n".join([head, *lines])


def get_reader(name: str) -> Reader:
    """Return the reader with this ``--format`` name."""
    return next(reader for reader in READERS if name == reader.NAME)


def detect_format(files: Sequence[FileProbe]) -> Reader | None:
    """Return the first reader that recognizes these files; the more specific readers come first.

    Examples
    --------
    >>> detect_format([FileProbe((), "n.csv", "n", ".csv", ("bodyId", "type", "instance"))]).TITLE
    'neuPrint'
    """
    return next((reader for reader in READERS if reader.recognises(files)), None)
