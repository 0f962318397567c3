"""Where the tables of a dataset come from: a dataset folder, or an export of one of the field's tools."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from syndb_service.ingest.dataset_input import DatasetInput
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
class RecognizedInput:
    """What the offered files are.

    Parameters
    ----------
    offer : Offer
        The files, and what is said about them.
    metadata : Metadata or None
        What is known of the dataset; None where a finding says what is missing.
    reader : Reader or None
        What reads them; None where they are a dataset folder.
    plan : Plan or None
        What is taken from them.
    """

    offer: DatasetInput
    metadata: Metadata | None
    reader: Reader | None = None
    plan: ImportPlan | None = None


def recognize_input(offer: DatasetInput, work: Path, findings: IssueList) -> RecognizedInput | None:
    """Recognise the files; None, with findings, where they are nothing that is known."""
    for path in offer.paths:
        _check_path(path, findings)
    if findings:
        return None
    if offer.format == FOLDER or (offer.format is None and _is_described(offer.paths)):
        return _folder(offer, (), findings)
    files = probe_files(offer.paths)
    reader = get_reader(offer.format) if offer.format else detect_format(files)
    if reader is None:
        return _folder(offer, files, findings)
    plan = reader.plan(files, Options(work, offer.voxel_nm, offer.transposed), findings)
    if not plan.parts:
        return None
    folder = offer.paths[0] if len(offer.paths) == 1 and offer.paths[0].is_dir() else None
    name = _default_name(offer.paths)
    metadata = state_metadata(folder, {"name": name, **plan.facts}, offer.facts, plan.units, findings)
    return RecognizedInput(offer, metadata, reader, plan)


def _check_path(path: Path, findings: IssueList) -> None:
    try:
        is_there = path.exists()
    except OSError as error:
        findings.add(f"{str(path)[:80]}…", f"can't be read: {error.strerror}")
        return
    if not is_there:
        findings.add(str(path), "is not there")
    elif path.is_dir():
        try:
            if not any(path.iterdir()):
                findings.add(str(path), "is empty")
        except OSError as error:
            findings.add(str(path), f"can't be read: {error.strerror}")


def _is_described(paths: tuple[Path, ...]) -> bool:
    return len(paths) == 1 and any((paths[0] / name).is_file() for name in FILES)


def _default_name(paths: tuple[Path, ...]) -> str:
    first = paths[0].resolve()
    if len(paths) > 1:
        return first.parent.name
    return first.name if first.is_dir() else first.name.partition(".")[0]


def _folder(offer: DatasetInput, files: Sequence[FileProbe], findings: IssueList) -> RecognizedInput | None:
    if offer.format == FOLDER and offer.paths[0].is_file():
        findings.add(str(offer.paths[0]), "is a file; name the folder it lies in")
        return None
    if len(offer.paths) > 1 or not offer.paths[0].is_dir():
        columns = ", ".join(files[0].names.values()) if files else ""
        seen = f" by its columns ({textwrap.shorten(columns, 200, placeholder=' …')})" if columns else ""
        if files and adjacency_matrix.looks_rectangular(files[0]):
            findings.add(
                str(offer.paths[0]),
                "looks like a matrix whose rows and columns are different neurons; say so: --format matrix",
            )
            return None
        findings.add(
            str(offer.paths[0]),
            f"is no export that is known{seen}; an edge list has the columns pre, post and synapses: rename "
            "them, or name the folder it lies in, or say what it is with --format",
        )
        return None
    folder = offer.paths[0]
    if offer.facts:
        return RecognizedInput(offer, state_metadata(folder, {}, offer.facts, {}, findings))
    return RecognizedInput(offer, read_metadata(folder, findings))


def load_tables(
    con: duckdb.DuckDBPyConnection,
    origin: RecognizedInput,
    findings: IssueList,
    tell: Progress,
    report: Report,
) -> dict[str, RawTable]:
    """Load the tables, and report what an export was taken for."""
    if origin.reader is not None and origin.plan is not None:
        return _load_export(con, origin, origin.reader, origin.plan, findings, tell, report)
    ignored = origin.metadata.ignored if origin.metadata else frozenset()
    raws = {}
    for table, source in find_table_files(origin.offer.paths[0], findings).items():
        with watch_statement(con, tell, f"reading {source.label}") as told:
            raw = load(con, source, ignored, findings, told)
        if raw is not None:
            raws[table] = raw
    return raws


def _load_export(
    con: duckdb.DuckDBPyConnection,
    origin: RecognizedInput,
    reader: Reader,
    plan: ImportPlan,
    findings: IssueList,
    tell: Progress,
    report: Report,
) -> dict[str, RawTable]:
    loaded = []
    for number, part in enumerate(plan.parts):
        with watch_statement(con, tell, f"reading {part.seen.label}") as told:
            one = load_part(con, part, number, findings, told)
        if one is not None:
            loaded.append(one)
    if len(loaded) < len(plan.parts):
        return {}
    with watch_statement(con, tell, "listing the neurons"):
        gathered = merge_parts(con, loaded)
    report(format_report(reader, plan, loaded, gathered, origin.metadata))
    return gathered.raws
