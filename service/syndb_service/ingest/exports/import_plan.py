"""What is taken from the files of an export, what is left, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from syndb_service.ingest.exports.file_probe import FileProbe
from syndb_service.ingest.issues import IssueList


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller says about an export.

    Parameters
    ----------
    work : Path
        A folder for what is made of files that can't be read as they are.
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
    """How a column of the schema comes about.

    Parameters
    ----------
    given : tuple of str
        The columns of the file, as they are spelled there.
    sql : str
        Their SQL: ``{0}`` is the first of them.
    scale : float, optional
        What its values are multiplied by.
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
        Their condition over ``given``: ``{0}`` is the first of them.
    given : tuple of str
        The columns it needs.
    why : str
        The reason, as it ends the sentence "3 rows left out: …".
    """

    sql: str
    given: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ImportPart:
    """What one file gives to one table.

    Parameters
    ----------
    seen : Seen
        The file.
    table : str
        ``neurons``, ``synapses``, or ``edges``: connections with a count of synapses.
    cells : mapping of str to Cell
        The schema's columns. A second part of ``neurons`` adds its columns to the first by ``neuron_id``.
    left : mapping of str to str
        Columns that nothing is taken from, and why.
    cuts : tuple of Cut
        Rows that are left out.
    made : Path or None
        Parquet made of the file, with its lines in a column ``_at``; the cells then speak of that.
    origin : str
        The SQL of the rows, ``{file}`` being the file's, where a row is not made of one row; with ``_at``.
    named : bool
        Whether the first line of a text names its columns ``given``; if not, they are ``1``, ``2``, …
    """

    seen: FileProbe
    table: str
    cells: Mapping[str, Cell]
    left: Mapping[str, str] = field(default_factory=dict)
    cuts: tuple[Cut, ...] = ()
    made: Path | None = None
    origin: str = ""
    named: bool = True


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """An export, and how it becomes a dataset.

    Parameters
    ----------
    parts : sequence of Part
        What is read.
    unread : mapping of str to str
        Files that are not read, and why.
    notes : sequence of str
        What else the user should know.
    facts : mapping of str to str
        What is known of any export of the kind, such as its species.
    units : mapping
        Units that differ from the schema's, by table and column.
    """

    parts: Sequence[ImportPart]
    unread: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Reader(Protocol):
    """One kind of export: a module of this folder."""

    NAME: str
    """What ``--format`` calls it."""
    TITLE: str
    """What it is, in a few words."""
    FILES: str
    """Its files, in a line."""

    def recognises(self, files: Sequence[FileProbe]) -> bool:
        """Whether these files are such an export, by their names and columns."""

    def plan(self, files: Sequence[FileProbe], options: Options, findings: IssueList) -> ImportPlan:
        """Say what is taken from the files; findings where something needed is missing."""


def match_columns(seen: FileProbe, wanted: Mapping[str, Sequence[str]]) -> dict[str, Cell]:
    """Find columns of the schema in a file, each by the first of its names that is there.

    Examples
    --------
    >>> seen = FileProbe((), "n.csv", "n", ".csv", ("bodyId", "instance"))
    >>> match_columns(seen, {"neuron_id": ["bodyid"], "cell_type": ["type"]})
    {'neuron_id': Cell(given=('bodyId',), sql='{0}', scale=None)}
    """
    found = {}
    for name, others in wanted.items():
        given = next((seen.names[other] for other in others if other in seen.names), None)
        if given is not None:
            found[name] = Cell((given,))
    return found


def unused_columns(
    seen: FileProbe, cells: Mapping[str, Cell], reasons: Mapping[str, str], otherwise: str
) -> dict[str, str]:
    """Name the columns that nothing is taken from, with their reasons.

    Parameters
    ----------
    seen : Seen
        The file.
    cells : mapping of str to Cell
        What is taken from it.
    reasons : mapping of str to str
        Reasons by a column's name in small letters.
    otherwise : str
        The reason of every other one.
    """
    used = {given for cell in cells.values() for given in cell.given}
    return {given: reasons.get(given.lower(), otherwise) for given in seen.header if given not in used}
