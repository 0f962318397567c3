"""The input of an import: its files and options, its kind, and the tables loaded from it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from syndb_service.ingest.exports import Options, adjacency_matrix, detect_format, get_reader, probe_files
from syndb_service.ingest.exports.file_probe import FileProbe
from syndb_service.ingest.exports.import_plan import ImportPlan, Reader
from syndb_service.ingest.exports.import_report import format_report
from syndb_service.ingest.exports.loader import load_part, merge_parts
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.load_progress import Progress, watch_statement
from syndb_service.ingest.metadata import FILES, Metadata, read_metadata, state_metadata
from syndb_service.ingest.raw_tables import RawTable, load
from syndb_service.ingest.table_files import find_table_files

FOLDER: Final = "folder"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """Files to import as a dataset.

    Parameters
    ----------
    paths : tuple of Path
        A dataset folder; or the files of an export, or a folder with them.
    format : str, optional
        The kind of export, one of ``FORMATS``, or ``folder`` for a dataset folder. By default it is detected
        from the names and columns of the files; a folder with a metadata file is a dataset folder.
    facts : mapping of str to str
        Keys of the metadata file, such as ``species``. They override the file.
    voxel_nm : tuple of three floats, optional
        The size of a voxel in nm, by which positions of a CAVE table are multiplied.
    transposed : bool
        Whether the columns of an adjacency matrix are presynaptic.
    readers : tuple of str
        The only readers, whatever the metadata says: ``user:NAME`` and ``group:NAME``.
    """

    paths: tuple[Path, ...]
    format: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    voxel_nm: tuple[float, float, float] | None = None
    transposed: bool = False
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecognizedInput:
    """An input whose kind is known.

    Parameters
    ----------
    dataset_input : DatasetInput
        The files and the options that describe them.
    metadata : Metadata or None
        The metadata of the dataset; None if an issue states what is missing.
    reader : Reader or None
        The reader of the export; None for a dataset folder.
    plan : ImportPlan or None
        What the import uses of an export.
    """

    dataset_input: DatasetInput
    metadata: Metadata | None
    reader: Reader | None = None
    plan: ImportPlan | None = None


def recognize_input(dataset_input: DatasetInput, work: Path, issues: IssueList) -> RecognizedInput | None:
    """Recognize the kind of the files; return None and record issues if it is unknown."""
    for path in dataset_input.paths:
        _check_path(path, issues)
    if issues:
        return None
    if dataset_input.format == FOLDER or (
        dataset_input.format is None and _is_described(dataset_input.paths)
    ):
        return _folder(dataset_input, (), issues)
    files = probe_files(dataset_input.paths)
    reader = get_reader(dataset_input.format) if dataset_input.format else detect_format(files)
    if reader is None:
        return _folder(dataset_input, files, issues)
    plan = reader.plan(files, Options(work, dataset_input.voxel_nm, dataset_input.transposed), issues)
    if not plan.parts:
        return None
    folder = (
        dataset_input.paths[0] if len(dataset_input.paths) == 1 and dataset_input.paths[0].is_dir() else None
    )
    name = _default_name(dataset_input.paths)
    metadata = state_metadata(folder, {"name": name, **plan.facts}, dataset_input.facts, plan.units, issues)
    return RecognizedInput(dataset_input, metadata, reader, plan)


def _check_path(path: Path, issues: IssueList) -> None:
    try:
        exists = path.exists()
    except OSError as error:
        issues.add(f"{str(path)[:80]}…", f"can't be read: {error.strerror}")
        return
    if not exists:
        issues.add(str(path), "is not there")
    elif path.is_dir():
        try:
            if not any(path.iterdir()):
                issues.add(str(path), "is empty")
        except OSError as error:
            issues.add(str(path), f"can't be read: {error.strerror}")


def _is_described(paths: tuple[Path, ...]) -> bool:
    return len(paths) == 1 and any((paths[0] / name).is_file() for name in FILES)


def _default_name(paths: tuple[Path, ...]) -> str:
    first = paths[0].resolve()
    if len(paths) > 1:
        return first.parent.name
    return first.name if first.is_dir() else first.name.partition(".")[0]


def _folder(
    dataset_input: DatasetInput, files: Sequence[FileProbe], issues: IssueList
) -> RecognizedInput | None:
    if dataset_input.format == FOLDER and dataset_input.paths[0].is_file():
        issues.add(str(dataset_input.paths[0]), "is a file; name the folder it lies in")
        return None
    if len(dataset_input.paths) > 1 or not dataset_input.paths[0].is_dir():
        columns = ", ".join(files[0].names.values()) if files else ""
        shown = f" by its columns ({textwrap.shorten(columns, 200, placeholder=' …')})" if columns else ""
        if files and adjacency_matrix.looks_rectangular(files[0]):
            issues.add(
                str(dataset_input.paths[0]),
                "looks like a matrix whose rows and columns are different neurons; say so: --format matrix",
            )
            return None
        issues.add(
            str(dataset_input.paths[0]),
            f"is no export that is known{shown}; an edge list has the columns pre, post and synapses: rename "
            "them, or name the folder it lies in, or say what it is with --format",
        )
        return None
    folder = dataset_input.paths[0]
    if dataset_input.facts:
        return RecognizedInput(dataset_input, state_metadata(folder, {}, dataset_input.facts, {}, issues))
    return RecognizedInput(dataset_input, read_metadata(folder, issues))


def load_tables(
    con: duckdb.DuckDBPyConnection,
    recognized: RecognizedInput,
    issues: IssueList,
    on_progress: Progress,
    report: Report,
) -> dict[str, RawTable]:
    """Load the tables; report how an export was recognized."""
    if recognized.reader is not None and recognized.plan is not None:
        return _load_export(con, recognized, recognized.reader, recognized.plan, issues, on_progress, report)
    ignored = recognized.metadata.ignored if recognized.metadata else frozenset()
    raws = {}
    for table, source in find_table_files(recognized.dataset_input.paths[0], issues).items():
        with watch_statement(con, on_progress, f"reading {source.label}") as on_fraction:
            raw = load(con, source, ignored, issues, on_fraction)
        if raw is not None:
            raws[table] = raw
    return raws


def _load_export(
    con: duckdb.DuckDBPyConnection,
    recognized: RecognizedInput,
    reader: Reader,
    plan: ImportPlan,
    issues: IssueList,
    on_progress: Progress,
    report: Report,
) -> dict[str, RawTable]:
    loaded = []
    for number, part in enumerate(plan.parts):
        with watch_statement(con, on_progress, f"reading {part.probe.label}") as on_fraction:
            loaded_part = load_part(con, part, number, issues, on_fraction)
        if loaded_part is not None:
            loaded.append(loaded_part)
    if len(loaded) < len(plan.parts):
        return {}
    with watch_statement(con, on_progress, "listing the neurons"):
        export = merge_parts(con, loaded)
    report(format_report(reader, plan, loaded, export, recognized.metadata))
    return export.raws
