"""A plain edge list: two columns for the neurons, and optionally a count of synapses.

Source: the lists of networkx.write_weighted_edgelist, igraph's write_ncol and SNAP
(https://snap.stanford.edu/data): no header, fields separated by spaces or tabs, lines that begin with ``#``
are remarks; and CSV or TSV with a header of the synonyms that `syndb-lab dataset add --help` lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndb_service.ingest.column_mapping import ALIASES
from syndb_service.ingest.delimited_text import translate_read_errors
from syndb_service.ingest.exports.file_probe import FileProbe, is_number
from syndb_service.ingest.exports.import_plan import (
    Cell,
    ImportPart,
    ImportPlan,
    Options,
    match_columns,
    unused_columns,
)
from syndb_service.ingest.exports.parquet_rows import ParquetRows
from syndb_service.ingest.issues import IssueList

NAME: Final = "edges"
TITLE: Final = "an edge list"
FILES: Final = "pre,post,synapses with a header; or two or three columns without one"

_NO_COLUMN: Final = "the tables have no column for it"
_NAMES: Final = (
    "pre_neuron_id",
    "post_neuron_id",
    "synapse_count",
    "kind",
    "neurotransmitter",
    "brain_structure",
)
_EDGES: Final = {name: (name, *ALIASES["edges"].get(name, ())) for name in _NAMES}
_SYNAPSES: Final = {
    name: (name, *ALIASES["synapses"].get(name, ()))
    for name in (
        "synapse_id",
        "pre_neuron_id",
        "post_neuron_id",
        *"xyz",
        *_NAMES[4:],
        "confidence",
        "cleft_score",
    )
}
_PLAIN: Final = _NAMES[:3]
_HINT: Final = "columns for the two neurons are needed, for example pre,post,synapses, or no header at all"


def recognises(files: Sequence[FileProbe]) -> bool:
    """Return whether the only file has columns for both ends, or two or three columns without a header."""
    return len(files) == 1 and (_has_ends(files[0]) or _is_plain(files[0]))


def _has_ends(probe: FileProbe) -> bool:
    return {"pre_neuron_id", "post_neuron_id"} <= match_columns(probe, _EDGES).keys()


def _is_plain(probe: FileProbe) -> bool:
    """Return whether it has no header: numbers in the first line, or fields separated by spaces."""
    if probe.is_parquet or not probe.header or probe.ending.startswith(".graphml"):
        return False
    numbers = len(probe.header) in (2, 3) and any(map(is_number, probe.header))
    return numbers or _is_spaced(probe)


def _is_spaced(probe: FileProbe) -> bool:
    rows = [row for row in (probe.header, *probe.rows) if not row[0].startswith("#")]
    return bool(rows) and all(len(row) == 1 and len(row[0].split()) in (2, 3) for row in rows)


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan each row as a connection with its count of synapses, or as one synapse if there is no count."""
    if len(files) != 1:
        issues.add("--format edges", f"one file is needed; there are {len(files)}")
        return ImportPlan([])
    probe = files[0]
    if _has_ends(probe):
        part = _part_with_header(probe)
    elif _is_spaced(probe):
        part = _part_of_spaced_fields(probe, options, issues)
    elif _is_plain(probe):
        part = _headless(probe)
    else:
        issues.add(probe.label, _HINT, row=None if probe.is_parquet else 1)
        return ImportPlan([])
    notes = [] if part.table == "edges" else ["There is no number of synapses: each row is one synapse."]
    if _may_be_matrix(probe):
        notes.append("Three rows of three numbers may be a matrix without names, too: --format matrix.")
    return ImportPlan([part], notes=notes)


def _may_be_matrix(probe: FileProbe) -> bool:
    rows = [row[0].split() if len(row) == 1 else row for row in (probe.header, *probe.rows)]
    return len(rows) == len(_PLAIN) and all(
        len(row) == len(_PLAIN) and all(map(is_number, row)) for row in rows
    )


def _named_columns(fields: Sequence[str]) -> tuple[str, ...] | None:
    """Return the columns that a first line names; None if it is a row of data."""
    known = {alias: name for name in _PLAIN for alias in _EDGES[name]}
    names = tuple(known.get(field.lower().strip('"'), "") for field in fields)
    return names if set(_PLAIN[:2]) <= set(names) and all(names) else None


def _part_with_header(probe: FileProbe) -> ImportPart:
    cells = match_columns(probe, _EDGES)
    table = "edges" if {"synapse_count", "kind"} & cells.keys() else "synapses"
    if table == "synapses":
        cells = match_columns(probe, _SYNAPSES)
    return ImportPart(probe, table, cells, unused_columns(probe, cells, {}, _NO_COLUMN))


def _headless(probe: FileProbe) -> ImportPart:
    cells = {name: Cell((str(place),)) for place, name in enumerate(_PLAIN[: len(probe.header)], 1)}
    return ImportPart(probe, "edges" if len(cells) == len(_PLAIN) else "synapses", cells, named=False)


def _part_of_spaced_fields(probe: FileProbe, options: Options, issues: IssueList) -> ImportPart:
    """Write the fields of each line to Parquet; any number of spaces or tabs separates them."""
    path = options.work / "edge-list.parquet"
    first = next(row for row in (probe.header, *probe.rows) if not row[0].startswith("#"))[0].split()
    width, columns = len(first), _named_columns(first)
    begun = columns is None
    with translate_read_errors(probe.paths[0]) as file, ParquetRows(path, columns or _PLAIN[:width]) as rows:
        try:
            for line, text in enumerate(file, 1):
                fields = text.split()
                if not fields or fields[0].startswith("#"):
                    continue
                if not begun:
                    begun = True
                elif len(fields) == width:
                    rows.add(line, *fields)
                else:
                    message = f"has {len(fields)} fields where the first row has {width}"
                    issues.add(probe.label, message, row=line)
        except (UnicodeDecodeError, EOFError, OSError) as error:
            issues.add(probe.label, f"can't be read as text: {error}")
    cells = {name: Cell((name,)) for name in columns or _PLAIN[:width]}
    return ImportPart(probe, "edges" if width == len(_PLAIN) else "synapses", cells, made=path)
