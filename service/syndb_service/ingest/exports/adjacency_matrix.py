"""An adjacency matrix: neurons in the first row and in the first column, counts of synapses between.

Sources: ``pandas.DataFrame.to_csv`` of such a frame (its first field is empty); the matrices of CATMAID
(https://github.com/catmaid/CATMAID: ``compartment_graph_widget.js`` writes "Neurons" there,
``connectivity-matrix.js`` an empty field, and fields separated by a comma and a space). And
``numpy.savetxt(file, matrix, delimiter=",")``: as many rows as columns, no names, and spaces if there is no
delimiter. And R's ``write.csv(matrix)``, which names the columns V1, V2 … and numbers the rows.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from syndb_service.ingest.delimited_text import translate_read_errors
from syndb_service.ingest.exports.file_probe import FIRST_ROWS, FileProbe, is_number
from syndb_service.ingest.exports.import_plan import Cell, ImportPart, ImportPlan, Options
from syndb_service.ingest.exports.parquet_rows import ParquetRows, open_parquet_rows
from syndb_service.ingest.issues import IssueList

NAME: Final = "matrix"
TITLE: Final = "an adjacency matrix"
FILES: Final = "names in the first row and column (or none), counts between; --transposed turns it"

_LEAST: Final = 3
_LEAST_BARE: Final = 4
_NONE: Final = frozenset({"", "0", "0.0", "nan", "na", "-"})


def recognises(files: Sequence[FileProbe]) -> bool:
    """Return whether the only table is a matrix of numbers, with or without names in row and column 1."""
    if len(files) != 1:
        return False
    probe = _apart(files[0])
    return _is_matrix(probe) or _is_bare_square(probe) or _is_row_numbered(probe)


def looks_rectangular(probe: FileProbe) -> bool:
    """Return whether rows and columns may be different neurons: such a matrix needs ``--format``."""
    probe = _apart(probe)
    rows = probe.rows
    named = len(probe.header) >= _LEAST and not is_number(probe.header[-1]) and bool(rows)
    cells = all(
        len(row) == len(probe.header) and not is_number(row[0]) and all(map(_is_cell, row[1:]))
        for row in rows
    )
    return named and cells and len({row[0] for row in rows}) == len(rows)


def _apart(probe: FileProbe) -> FileProbe:
    """Split fields that are separated by spaces; the corner may be missing."""
    rows = [row for row in (probe.header, *probe.rows) if row and not row[0].startswith("#")]
    if not rows or any(len(row) != 1 or '"' in row[0] for row in rows):
        return probe
    fields = [tuple(row[0].split()) for row in rows]
    if len(fields[0]) < 2:
        return probe
    if len(fields) > 1 and len(fields[1]) == len(fields[0]) + 1:
        fields[0] = ("", *fields[0])
    return dataclasses.replace(probe, header=fields[0], rows=tuple(fields[1:]))


def _is_row_numbered(probe: FileProbe) -> bool:
    """Return whether it has R's names for a matrix without names: V1, V2 … and 1, 2 …."""
    if len(probe.header) < _LEAST or probe.header[0] or not probe.rows:
        return False
    columns = probe.header[1:] == tuple(f"V{number}" for number in range(1, len(probe.header)))
    return columns and all(
        row[0] == str(number) and all(map(_is_cell, row[1:])) for number, row in enumerate(probe.rows, 1)
    )


def _is_ambiguous(probe: FileProbe) -> bool:
    """Return whether the first row and column are the same numbers, which may be names or counts."""
    side = tuple(row[0] for row in probe.rows if row)
    whole = all(name.isdigit() for name in side)
    square = len(side) == len(probe.header) - 1
    return square and whole and len(set(side)) == len(side) > 1 and side == probe.header[1:]


def _is_bare(probe: FileProbe) -> bool:
    """Return whether rows and columns have no names: the corner is a number."""
    return bool(probe.header) and is_number(probe.header[0])


def _is_bare_square(probe: FileProbe) -> bool:
    """Return whether it has no names and may be square; three columns are an edge list."""
    width = len(probe.header)
    rows = (probe.header, *probe.rows)
    numbers = all(len(row) == width and all(map(_is_cell, row)) for row in rows)
    return width >= _LEAST_BARE and _is_bare(probe) and numbers and len(rows) in (width, FIRST_ROWS + 1)


def _is_matrix(probe: FileProbe) -> bool:
    if _is_bare(probe):
        return False
    names = set(probe.header[1:])
    if len(probe.header) < _LEAST or len(names) < len(probe.header) - 1 or not probe.rows:
        return False
    widths = all(len(row) == len(probe.header) for row in probe.rows)
    known = any(row[0] in names for row in probe.rows)
    return widths and known and all(_is_cell(field) for row in probe.rows for field in row[1:])


def _is_cell(field: str) -> bool:
    return field.lower() in _NONE or is_number(field)


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan the rows, or the columns, as presynaptic; empty cells and zeros are no connections."""
    texts = [probe for probe in files if not probe.is_parquet and probe.header]
    if len(texts) != 1:
        issues.add("--format matrix", f"one CSV or TSV file is needed; there are {len(texts)}")
        return ImportPlan([])
    probe = _apart(texts[0])
    blanks = probe is not texts[0]
    bare, row_numbered = _is_bare(probe), _is_row_numbered(probe)
    width = len(probe.header) - row_numbered
    if bare and _is_ambiguous(probe):
        issues.add(
            probe.label,
            "its first row and first column are the same numbers, which may be names or counts: leave the "
            "first field empty where they are names; where they are counts, add a row and a column of names",
            row=1,
        )
        return ImportPlan([])
    before = bool(issues)
    with (
        translate_read_errors(probe.paths[0]) as file,
        open_parquet_rows(options.work, "matrix", ("neuron",), ("pre", "post", "synapses")) as outputs,
    ):
        neurons_path, edges_path = outputs[2:]
        try:
            rows = _fields(file, probe.header if blanks else None)
            if row_numbered:
                rows = ((line, row[1:]) for line, row in itertools.islice(rows, 1, None))
            if bare or row_numbered:
                rows = _number_matrix(rows, width, probe, issues)
            _melt(rows, probe, options, outputs, issues)
        except (UnicodeDecodeError, csv.Error, EOFError) as error:
            issues.add(probe.label, f"can't be read as text: {error}")
    if issues and not before:
        return ImportPlan([])
    ends = {"pre_neuron_id": Cell(("pre",)), "post_neuron_id": Cell(("post",))}
    parts = [
        ImportPart(probe, "neurons", {"neuron_id": Cell(("neuron",))}, made=neurons_path),
        ImportPart(probe, "edges", ends | {"synapse_count": Cell(("synapses",))}, made=edges_path),
    ]
    side, other = ("columns", "rows") if options.transposed else ("rows", "columns")
    turn = "leave out --transposed" if options.transposed else "--transposed"
    notes = [f"Taken as: {side} are presynaptic, {other} postsynaptic ({turn} if it is the other way round)."]
    if bare or row_numbered:
        notes.append(f"Without names: neurons are numbered by row and column, 1 to {width:,}.")
    return ImportPlan(parts, notes=notes)


def _fields(file: IO[str], header: Sequence[str] | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with their lines; ``header`` is the first row if fields are separated by spaces."""
    if header is not None:
        begun = False
        for line, text in enumerate(file, 1):
            fields = text.split()
            if fields and not fields[0].startswith("#"):
                yield line, fields if begun else list(header)
                begun = True
        return
    first = file.readline()
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(itertools.chain([first], file), delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if row:
            yield reader.line_num, [field.strip() for field in row]


def _number_matrix(
    lines: Iterator[tuple[int, list[str]]], width: int, probe: FileProbe, issues: IssueList
) -> Iterator[tuple[int, list[str]]]:
    """Name rows and columns by their numbers; record an issue unless there are as many rows as columns."""
    yield 1, ["", *(str(number) for number in range(1, width + 1))]
    number = 0
    for number, (line, row) in enumerate(lines, 1):
        yield line, [str(number), *row]
    if number != width:
        issues.add(
            probe.label,
            f"has {number:,} rows and {width:,} columns; a matrix without names in its first row and column "
            "has as many of both",
        )


def _melt(
    lines: Iterator[tuple[int, list[str]]],
    probe: FileProbe,
    options: Options,
    outputs: tuple[ParquetRows, ParquetRows, Path, Path],
    issues: IssueList,
) -> None:
    neurons, edges, *_ = outputs
    _, header = next(lines)
    columns = header[1:]
    _note_repeated(columns, probe, 1, issues)
    for name in dict.fromkeys(columns):
        neurons.add(1, name)
    known, rows, is_empty = set(columns), set(), True
    for line, (name, *cells) in lines:
        if len(cells) != len(columns):
            issues.add(
                probe.label, f"has {len(cells) + 1} fields where the first row has {len(header)}", row=line
            )
            continue
        if name in rows:
            issues.add(probe.label, f"the row of {name!r} is there twice", row=line)
        rows.add(name)
        if name not in known:
            neurons.add(line, name)
            known.add(name)
        for other, cell in zip(columns, cells, strict=True):
            number = is_number(cell)
            if cell.lower() in _NONE or (number and float(cell) == 0):
                continue
            if not number:
                issues.add(probe.label, f"{cell!r} is not a number", row=line, column=other)
            pre, post = (other, name) if options.transposed else (name, other)
            edges.add(line, pre, post, cell)
            is_empty = False
    if is_empty and not issues:
        issues.add(probe.label, "holds no connection: every cell is empty or 0; is it separated otherwise?")


def _note_repeated(names: Sequence[str], probe: FileProbe, line: int, issues: IssueList) -> None:
    known: set[str] = set()
    for position, name in enumerate(names, 2):
        if not name:
            issues.add(probe.label, f"column {position} has no name", row=line)
        elif name in known:
            issues.add(probe.label, f"the column of {name!r} is there twice", row=line)
        known.add(name)
