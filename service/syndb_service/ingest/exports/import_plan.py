"""The import plan: what is imported from the files of an export, what is left out, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from syndb_service.ingest.exports.file_probe import FileProbe
from syndb_service.ingest.issues import IssueList


@dataclass(frozen=True, slots=True)
class Options:
    """Options of an export's import.

    Parameters
    ----------
    work : Path
        A folder for the Parquet made from files that DuckDB can't read.
    voxel_nm : tuple of three floats, optional
        The size of a voxel in nm, by which positions are multiplied.
    transposed : bool
        Whether the columns of a matrix are presynaptic, not the rows.
    """

    work: Path
    voxel_nm: tuple[float, float, float] | None = None
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """The source of a column of the schema.

    Parameters
    ----------
    given : tuple of str
        The columns of the file, as spelled there.
    sql : str
        The SQL of the value; ``{0}`` is the first of these columns.
    scale : float, optional
        Factor of its values.
    """

    given: tuple[str, ...]
    sql: str = "{0}"
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows that are left out.

    Parameters
    ----------
    sql : str
        The condition on ``given``; ``{0}`` is the first of these columns.
    given : tuple of str
        The columns of the condition.
    reason : str
        The reason, as the end of the sentence "3 rows left out: …".
    """

    sql: str
    given: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ImportPart:
    """What one file contributes to one table.

    Parameters
    ----------
    probe : FileProbe
        The file.
    table : str
        ``neurons``, ``synapses``, or ``edges``: connections with a count of synapses.
    cells : mapping of str to Cell
        The schema's columns. A second part of ``neurons`` adds its columns to the first by ``neuron_id``.
    left : mapping of str to str
        Columns that are not imported, and why.
    cuts : tuple of Cut
        Rows that are left out.
    made : Path or None
        Parquet made from the file, with its lines in a column ``_at``; the cells then refer to it.
    origin : str
        The SQL of the rows, with ``_at``, if they are not the rows of the file; ``{file}`` is the file.
    named : bool
        Whether the first line of a text names its columns; if not, they are ``1``, ``2``, …
    """

    probe: FileProbe
    table: str
    cells: Mapping[str, Cell]
    left: Mapping[str, str] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()
    made: Path | None = None
    origin: str = ""
    named: bool = True


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How an export becomes a dataset.

    Parameters
    ----------
    parts : sequence of ImportPart
        The parts to read.
    unread : mapping of str to str
        Files that are not read, and why.
    notes : sequence of str
        Further remarks for the user.
    facts : mapping of str to str
        Metadata that holds for every export of this kind, such as the species.
    units : mapping
        Units that differ from the schema's, by table and column.
    """

    parts: Sequence[ImportPart]
    unread: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Reader(Protocol):
    """The reader of one kind of export: a module of this folder."""

    NAME: str
    """Its name for ``--format``."""
    TITLE: str
    """A short title."""
    FILES: str
    """A description of its files, in one line."""

    def recognises(self, files: Sequence[FileProbe]) -> bool:
        """Return whether these files are such an export, by their names and columns."""

    def plan(self, files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
        """Plan the import of the files; record issues if something required is missing."""


def match_columns(probe: FileProbe, wanted: Mapping[str, Sequence[str]]) -> dict[str, Cell]:
    """Find columns of the schema in a file, each by the first of its names that the file has.

    Examples
    --------
    >>> probe = FileProbe((), "n.csv", "n", ".csv", ("bodyId", "instance"))
    >>> match_columns(probe, {"neuron_id": ["bodyid"], "cell_type": ["type"]})
    {'neuron_id': Cell(given=('bodyId',), sql='{0}', scale=None)}
    """
    found = {}
    for name, others in wanted.items():
        given = next((probe.names[other] for other in others if other in probe.names), None)
        if given is not None:
            found[name] = Cell((given,))
    return found


def unused_columns(
    probe: FileProbe, cells: Mapping[str, Cell], reasons: Mapping[str, str], otherwise: str
) -> dict[str, str]:
    """Return the columns that are not imported, with the reasons.

    Parameters
    ----------
    probe : FileProbe
        The file.
    cells : mapping of str to Cell
        The imported columns.
    reasons : mapping of str to str
        Reasons by a column's name in lower case.
    otherwise : str
        The reason for all other columns.
    """
    used = {given for cell in cells.values() for given in cell.given}
    return {given: reasons.get(given.lower(), otherwise) for given in probe.header if given not in used}
