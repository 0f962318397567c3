"""Where the tables of a dataset come from: a dataset folder, or an export of one of the field's tools."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from syndb_service.intake.exports import Options, look, matrix, reader_named, recognise
from syndb_service.intake.exports.loading import gather, load_part
from syndb_service.intake.exports.plan import Plan, Reader
from syndb_service.intake.exports.report import describe
from syndb_service.intake.exports.seen import Seen
from syndb_service.intake.findings import Findings
from syndb_service.intake.metadata import FILES, Metadata, read_metadata, state_metadata
from syndb_service.intake.offer import Offer
from syndb_service.intake.raw import Raw, load
from syndb_service.intake.sources import find_sources
from syndb_service.intake.watching import Progress, watched

FOLDER: Final = "folder"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Origin:
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

    offer: Offer
    metadata: Metadata | None
    reader: Reader | None = None
    plan: Plan | None = None


def find_origin(offer: Offer, work: Path, findings: Findings) -> Origin | None:
    """Recognise the files; None, with findings, where they are nothing that is known."""
    for path in offer.paths:
        _check_path(path, findings)
    if findings:
        return None
    if offer.format == FOLDER or (offer.format is None and _is_described(offer.paths)):
        return _folder(offer, (), findings)
    files = look(offer.paths)
    reader = reader_named(offer.format) if offer.format else recognise(files)
    if reader is None:
        return _folder(offer, files, findings)
    plan = reader.plan(files, Options(work, offer.voxel_nm, offer.transposed), findings)
    if not plan.parts:
        return None
    folder = offer.paths[0] if len(offer.paths) == 1 and offer.paths[0].is_dir() else None
    name = _default_name(offer.paths)
    metadata = state_metadata(folder, {"name": name, **plan.facts}, offer.facts, plan.units, findings)
    return Origin(offer, metadata, reader, plan)


def _check_path(path: Path, findings: Findings) -> None:
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


def _folder(offer: Offer, files: Sequence[Seen], findings: Findings) -> Origin | None:
    if offer.format == FOLDER and offer.paths[0].is_file():
        findings.add(str(offer.paths[0]), "is a file; name the folder it lies in")
        return None
    if len(offer.paths) > 1 or not offer.paths[0].is_dir():
        columns = ", ".join(files[0].names.values()) if files else ""
        seen = f" by its columns ({textwrap.shorten(columns, 200, placeholder=' …')})" if columns else ""
        if files and matrix.looks_rectangular(files[0]):
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
        return Origin(offer, state_metadata(folder, {}, offer.facts, {}, findings))
    return Origin(offer, read_metadata(folder, findings))


def load_tables(
    con: duckdb.DuckDBPyConnection, origin: Origin, findings: Findings, tell: Progress, report: Report
) -> dict[str, Raw]:
    """Load the tables, and report what an export was taken for."""
    if origin.reader is not None and origin.plan is not None:
        return _load_export(con, origin, origin.reader, origin.plan, findings, tell, report)
    ignored = origin.metadata.ignored if origin.metadata else frozenset()
    raws = {}
    for table, source in find_sources(origin.offer.paths[0], findings).items():
        with watched(con, tell, f"reading {source.label}") as told:
            raw = load(con, source, ignored, findings, told)
        if raw is not None:
            raws[table] = raw
    return raws


def _load_export(
    con: duckdb.DuckDBPyConnection,
    origin: Origin,
    reader: Reader,
    plan: Plan,
    findings: Findings,
    tell: Progress,
    report: Report,
) -> dict[str, Raw]:
    loaded = []
    for number, part in enumerate(plan.parts):
        with watched(con, tell, f"reading {part.seen.label}") as told:
            one = load_part(con, part, number, findings, told)
        if one is not None:
            loaded.append(one)
    if len(loaded) < len(plan.parts):
        return {}
    with watched(con, tell, "listing the neurons"):
        gathered = gather(con, loaded)
    report(describe(reader, plan, loaded, gathered, origin.metadata))
    return gathered.raws
