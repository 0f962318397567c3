"""The report of an import: what was recognized, the use of each column, and what was left out and why."""

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
    gathered: LoadedExport,
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
    gathered : LoadedExport
        The merged raw tables.
    metadata : Metadata or None
        The metadata of the dataset.
    """
    lines = [f"Recognised {reader.TITLE} (--format {reader.NAME})."]
    for each in loaded:
        lines += _part(each, gathered)
    for label, reason in plan.unread.items():
        lines += _wrap(f"{label} is not read: {reason}.", 2)
    if gathered.unlisted:
        known = "that only connections name"
        lines += _wrap(f"Added by their ids alone, neurons {known}: {gathered.unlisted:,}.", 2)
    if any(each.part.table == "edges" for each in loaded):
        lines += _wrap(
            "A connection of n synapses becomes n rows of the table synapses, without positions: the file "
            "counts synapses and does not tell them apart.",
            2,
        )
    for note in plan.notes:
        lines += _wrap(note, 2)
    return "\n".join(lines + _facts(metadata))


def _part(each: Loaded, gathered: LoadedExport) -> list[str]:
    table = "synapses" if each.part.table == "edges" else each.part.table
    lines = [f"  {each.source.label}: {_rows(each.rows)} for {table}"]
    mapped = [f"{' + '.join(cell.given)} → {name}" for name, cell in each.part.cells.items()]
    lines += _wrap(", ".join(mapped), 4)
    reasons: dict[str, list[str]] = {}
    for given, reason in each.part.left.items():
        reasons.setdefault(reason, []).append(given or "a column without a name")
    for reason, names in reasons.items():
        lines += _wrap(f"left out: {', '.join(names)} ({reason})", 4)
    for reason, count in each.cut.items():
        lines += _wrap(f"{_rows(count)} left out: {reason}", 4) if count else []
    strangers = gathered.strangers.get(each.source.label)
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
