"""Finds the files of each table in a dataset folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syndb_service.domain.datasets import TABLES
from syndb_service.ingest import metadata
from syndb_service.ingest.issues import IssueList, advise

EDGES: Final = "edges"
EDGE_NAMES: Final = ("connections", "edges", "edgelist", "edge_list")
_TEXTS: Final = ("", ".txt", ".dat", ".tab")
_OTHERS: Final = (
    ".xlsx",
    ".xls",
    ".ods",
    ".json",
    ".feather",
    ".arrow",
    ".pq",
    ".zip",
    ".bz2",
    ".xz",
    ".zst",
)
SUFFIXES: Final = (".csv.gz", ".tsv.gz", ".csv", ".tsv", ".parquet")


@dataclass(frozen=True, slots=True)
class TableFile:
    """The file or files of one table.

    Parameters
    ----------
    table : str
        One of ``TABLES``, or ``edges`` for an edge list.
    paths : tuple of Path
        One text file, or one or more Parquet files.
    labels : tuple of str
        The paths for the user, relative to the folder.
    """

    table: str
    paths: tuple[Path, ...]
    labels: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name of the file, or of the folder of the files, for the user."""
        return self.labels[0] if len(self.labels) == 1 else f"{self.labels[0].partition('/')[0]}/"

    @property
    def is_text(self) -> bool:
        """Whether it is CSV or TSV."""
        return self.paths[0].suffix != ".parquet"


def find_table_files(folder: Path, issues: IssueList) -> dict[str, TableFile]:
    """Find the tables of a folder; ignore files without data, such as a README."""
    found: dict[str, list[TableFile]] = {}
    for path in sorted(folder.iterdir()):
        source = None if path.name.startswith(".") else _source(path, issues)
        if source is not None:
            found.setdefault(source.table, []).append(source)
    _note_misnamed(folder, found, issues)
    for sources in found.values():
        for other in sources[1:]:
            issues.add(other.label, f"holds the same table as {sources[0].label}; keep one of them")
    if EDGES in found and "synapses" in found:
        issues.add(
            found[EDGES][0].label, f"is an edge list beside {found['synapses'][0].label}; keep one of them"
        )
    if not found and not issues:
        issues.add("the folder", "holds no tables; a neurons.csv and a connections.csv are a good start")
    return {table: sources[0] for table, sources in found.items()}


def _note_misnamed(folder: Path, found: Collection[str], issues: IssueList) -> None:
    """Record issues for files that have a table's name and an unsupported ending."""
    for path in sorted(folder.iterdir()):
        stem = path.name.lower().partition(".")[0]
        ending = path.name.lower().removeprefix(stem)
        table = _table(stem)
        if table is None or table in found or not path.is_file():
            continue
        which = f"ends in {ending}, which is not read" if ending else "has no ending"
        if ending in _TEXTS:
            issues.add(path.name, f"{which}; if it is text with commas or tabs, rename it to {stem}.csv")
        elif ending.endswith(_OTHERS):
            issues.add(path.name, f"{which}; save it as {stem}.csv or {stem}.parquet")


def _source(path: Path, issues: IssueList) -> TableFile | None:
    if path.is_dir():
        return _folder(path, issues)
    lower = path.name.lower()
    suffix = next((each for each in SUFFIXES if lower.endswith(each)), None)
    if suffix is None or lower in metadata.FILES:
        return None
    table = _table(lower.removesuffix(suffix))
    if table is None:
        known = (*TABLES, *EDGE_NAMES)
        issues.add(
            path.name,
            f"is not a table that is known{advise(lower.removesuffix(suffix), known)}"
            if advise(lower, known)
            else f"is not a table that is known ({', '.join(TABLES)} or an edge list named connections)",
        )
        return None
    return TableFile(table, (path,), (path.name,))


def _folder(path: Path, issues: IssueList) -> TableFile | None:
    files = tuple(sorted(path.glob("*.parquet")))
    table = _table(path.name.lower())
    if not files:
        return None
    if table is None:
        issues.add(
            f"{path.name}/", f"is not a table that is known{advise(path.name, (*TABLES, *EDGE_NAMES))}"
        )
        return None
    return TableFile(table, files, tuple(f"{path.name}/{file.name}" for file in files))


def _table(stem: str) -> str | None:
    if stem in EDGE_NAMES:
        return EDGES
    return stem if stem in TABLES else None
