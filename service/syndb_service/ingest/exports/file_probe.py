"""File probes: the name, ending and columns of a file before it is read."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from syndb_service.ingest.delimited_text import translate_read_errors

_ENDINGS: Final = (
    ".csv.gz",
    ".tsv.gz",
    ".txt.gz",
    ".graphml.gz",
    ".csv",
    ".tsv",
    ".txt",
    ".edgelist",
    ".edges",
    ".parquet",
    ".graphml",
)
FIRST_ROWS: Final = 20
_SEPARATORS: Final = ",;\t"


@dataclass(frozen=True, slots=True)
class FileProbe:
    """A file that may be an export or belong to one.

    Parameters
    ----------
    paths : tuple of Path
        The file, or the Parquet files of a folder that are one table.
    label : str
        The name of the file for the user.
    stem : str
        Its name in lower case, without the ending.
    ending : str
        The ending: ``.csv.gz``.
    header : tuple of str
        The fields of its first line, or a Parquet file's columns.
    rows : tuple of tuples of str
        The first rows of a text file.
    """

    paths: tuple[Path, ...]
    label: str
    stem: str
    ending: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """The columns by their names in lower case."""
        return {given.lower(): given for given in reversed(self.header)}

    @property
    def is_parquet(self) -> bool:
        """Whether it is Parquet; if not, it is text."""
        return self.ending == ".parquet"

    def has(self, *names: str) -> bool:
        """Return whether it has all of these columns, in any case.

        Examples
        --------
        >>> FileProbe((), "a.csv", "a", ".csv", ("bodyId", "type")).has("bodyid")
        True
        """
        return {name.lower() for name in names} <= self.names.keys()


def probe_files(paths: Iterable[Path]) -> list[FileProbe]:
    """Probe the given files and the files of given folders; ignore unsupported endings."""
    found: list[FileProbe] = []
    for path in paths:
        if path.is_dir():
            found += _probe_folder(path)
        elif path.is_file():
            probe = _probe_file((path,), path.name)
            found += [probe] if probe else []
    return found


def _probe_folder(folder: Path) -> list[FileProbe]:
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    found = [_probe_file((path,), path.name) for path in entries if path.is_file()]
    for inner in (path for path in entries if path.is_dir()):
        parts = tuple(sorted(inner.glob("*.parquet")))
        found += [_probe_file(parts, f"{inner.name}/")] if parts else []
    return [probe for probe in found if probe]


def _probe_file(paths: tuple[Path, ...], label: str) -> FileProbe | None:
    lower = label.lower()
    ending = (
        ".parquet" if label.endswith("/") else next((each for each in _ENDINGS if lower.endswith(each)), "")
    )
    if not ending:
        return None
    stem = lower.removesuffix("/").removesuffix(ending)
    header, rows = _columns(paths[0]) if ending == ".parquet" else _first_lines(paths[0], ending)
    return FileProbe(paths, label, stem, ending, header, rows)


def _columns(path: Path) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    try:
        return tuple(pq.read_schema(path).names), ()
    except (OSError, pa.ArrowInvalid):
        return (), ()


def _first_lines(path: Path, ending: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    if ending.startswith(".graphml"):
        return (), ()
    try:
        with translate_read_errors(path) as file:
            first = file.readline()
            delimiter = "\t" if ending.startswith(".tsv") else max(_SEPARATORS, key=first.count)
            lines = [first, *(file.readline() for _ in range(FIRST_ROWS))]
        fields = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error, csv.Error):
        return (), ()
    rows = [tuple(field.strip() for field in row) for row in fields if row]
    return (rows[0], tuple(rows[1:])) if rows else ((), ())


def is_number(text: str) -> bool:
    """Return whether a field is a number.

    Examples
    --------
    >>> is_number("3.5"), is_number("AVAL"), is_number("")
    (True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def files_with_columns(files: Sequence[FileProbe], *names: str) -> list[FileProbe]:
    """Return the files that have all of these columns."""
    return [probe for probe in files if probe.has(*names)]
