"""The report of an import: the recognized format, the use of each column, and what was left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from syndb_service.ingest.exports.import_plan import ImportPlan, Reader
from syndb_service.ingest.exports.loader import Loaded, LoadedExport
from syndb_service.ingest.metadata import Metadata

_WIDTH: Final = 100
_FACTS: Final = ("citation", "licence", "version")


def format_report(
    reader: Reader,
    plan: ImportPlan,
    loaded: Sequence[Loaded],
    export: LoadedExport,
    metadata: Metadata | None,
) -> str:
    """Format the report of an export as several lines.

    Parameters
    ----------
    reader : Reader
        The kind of export.
    plan : ImportPlan
        The plan of the import.
    loaded : sequence of Loaded
        The loaded parts.
    export : LoadedExport
        The merged raw tables.
    metadata : Metadata or None
        The metadata of the dataset.
    """
    lines = [f"Recognised {reader.TITLE} (--format {reader.NAME})."]
    for loaded_part in loaded:
        lines += _part(loaded_part, export)
    for label, reason in plan.unread.items():
        lines += _wrap(f"{label} is not read: {reason}.", 2)
    if export.unlisted:
        known = "that only connections name"
        lines += _wrap(f"Added by their ids alone, neurons {known}: {export.unlisted:,}.", 2)
    if any(loaded_part.part.table == "edges" for loaded_part in loaded):
        lines += _wrap(
            "A connection of n synapses becomes n rows of the table synapses, without positions: the file "
            "counts synapses and does not tell them apart.",
            2,
        )
    for note in plan.notes:
        lines += _wrap(note, 2)
    return "\n".join(lines + _facts(metadata))


def _part(loaded_part: Loaded, export: LoadedExport) -> list[str]:
    table = "synapses" if loaded_part.part.table == "edges" else loaded_part.part.table
    lines = [f"  {loaded_part.source.label}: {_rows(loaded_part.rows)} for {table}"]
    mapped = [f"{' + '.join(cell.given)} → {name}" for name, cell in loaded_part.part.cells.items()]
    lines += _wrap(", ".join(mapped), 4)
    reasons: dict[str, list[str]] = {}
    for given, reason in loaded_part.part.left.items():
        reasons.setdefault(reason, []).append(given or "a column without a name")
    for reason, names in reasons.items():
        lines += _wrap(f"left out: {', '.join(names)} ({reason})", 4)
    for reason, count in loaded_part.cut.items():
        lines += _wrap(f"{_rows(count)} left out: {reason}", 4) if count else []
    strangers = export.strangers.get(loaded_part.source.label)
    if strangers:
        lines += _wrap(f"{_rows(strangers)} left out: their neuron is not in the list of neurons", 4)
    return lines


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _facts(metadata: Metadata | None) -> list[str]:
    if metadata is None:
        return []
    lines = _wrap(f"Name {metadata.name}, species {metadata.species}.", 2)
    missing = [f"--{name}" for name in _FACTS[:2] if not getattr(metadata, name)]
    if missing:
        stated = "not stated, and results will carry none"
        lines += _wrap(f"{' and '.join(name[2:] for name in missing)} {stated}: {', '.join(missing)}.", 2)
    return lines


def _wrap(text: str, indent: int) -> list[str]:
    first, later = " " * indent, " " * (indent + 2)
    return wrap(text, _WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
