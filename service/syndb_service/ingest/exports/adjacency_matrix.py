"""An adjacency matrix: neurons in the first row and in the first column, counts of synapses between.

Sources: ``pandas.DataFrame.to_csv`` of such a frame (its first field is empty); the matrices of CATMAID
(https://github.com/catmaid/CATMAID: ``compartment_graph_widget.js`` writes "Neurons" there,
``connectivity-matrix.js`` an empty field, and fields separated by a comma and a space). And
``numpy.savetxt(file, matrix, delimiter=",")``: as many rows as columns, and no names; blanks between where no
delimiter is named. And R's ``write.csv(matrix)``, which calls columns V1, V2 … and numbers the rows.
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
    """Whether the one table's rows are numbers, and begin with names of its first row or have no names."""
    if len(files) != 1:
        return False
    seen = _apart(files[0])
    return _is_matrix(seen) or _is_bare_square(seen) or _is_row_numbered(seen)


def looks_rectangular(seen: FileProbe) -> bool:
    """Whether it may be a matrix whose rows and columns are different neurons: none is taken unasked."""
    seen = _apart(seen)
    rows = seen.rows
    named = len(seen.header) >= _LEAST and not is_number(seen.header[-1]) and bool(rows)
    cells = all(
        len(row) == len(seen.header) and not is_number(row[0]) and all(map(_is_cell, row[1:])) for row in rows
    )
    return named and cells and len({row[0] for row in rows}) == len(rows)


def _apart(seen: FileProbe) -> FileProbe:
    """Return what was seen with its fields apart, where blanks are between; a corner may be missing."""
    rows = [row for row in (seen.header, *seen.rows) if row and not row[0].startswith("#")]
    if not rows or any(len(row) != 1 or '"' in row[0] for row in rows):
        return seen
    fields = [tuple(row[0].split()) for row in rows]
    if len(fields[0]) < 2:
        return seen
    if len(fields) > 1 and len(fields[1]) == len(fields[0]) + 1:
        fields[0] = ("", *fields[0])
    return dataclasses.replace(seen, header=fields[0], rows=tuple(fields[1:]))


def _is_row_numbered(seen: FileProbe) -> bool:
    """Whether it has R's names for a matrix without names: V1, V2 … and 1, 2 …."""
    if len(seen.header) < _LEAST or seen.header[0] or not seen.rows:
        return False
    columns = seen.header[1:] == tuple(f"V{number}" for number in range(1, len(seen.header)))
    return columns and all(
        row[0] == str(number) and all(map(_is_cell, row[1:])) for number, row in enumerate(seen.rows, 1)
    )


def _is_ambiguous(seen: FileProbe) -> bool:
    """Whether the numbers of the first row and column may be names as well as counts: they are the same."""
    side = tuple(row[0] for row in seen.rows if row)
    whole = all(name.isdigit() for name in side)
    square = len(side) == len(seen.header) - 1
    return square and whole and len(set(side)) == len(side) > 1 and side == seen.header[1:]


def _is_bare(seen: FileProbe) -> bool:
    """Whether no row and no column has a name: the corner, which no neuron names, is a number."""
    return bool(seen.header) and is_number(seen.header[0])


def _is_bare_square(seen: FileProbe) -> bool:
    """Whether it has no names and may be square; three columns are an edge list."""
    width = len(seen.header)
    rows = (seen.header, *seen.rows)
    numbers = all(len(row) == width and all(map(_is_cell, row)) for row in rows)
    return width >= _LEAST_BARE and _is_bare(seen) and numbers and len(rows) in (width, FIRST_ROWS + 1)


def _is_matrix(seen: FileProbe) -> bool:
    if _is_bare(seen):
        return False
    names = set(seen.header[1:])
    if len(seen.header) < _LEAST or len(names) < len(seen.header) - 1 or not seen.rows:
        return False
    widths = all(len(row) == len(seen.header) for row in seen.rows)
    known = any(row[0] in names for row in seen.rows)
    return widths and known and all(_is_cell(field) for row in seen.rows for field in row[1:])


def _is_cell(field: str) -> bool:
    return field.lower() in _NONE or is_number(field)


def plan(files: Sequence[FileProbe], options: Options, findings: IssueList) -> ImportPlan:
    """Take the rows as presynaptic, or the columns; empty cells and zeros are no connections."""
    texts = [seen for seen in files if not seen.is_parquet and seen.header]
    if len(texts) != 1:
        findings.add("--format matrix", f"one CSV or TSV file is needed; there are {len(texts)}")
        return ImportPlan([])
    seen = _apart(texts[0])
    blanks = seen is not texts[0]
    bare, row_numbered = _is_bare(seen), _is_row_numbered(seen)
    width = len(seen.header) - row_numbered
    if bare and _is_ambiguous(seen):
        findings.add(
            seen.label,
            "its first row and first column are the same numbers, which may be names or counts: leave the "
            "first field empty where they are names; where they are counts, add a row and a column of names",
            row=1,
        )
        return ImportPlan([])
    before = bool(findings)
    with (
        translate_read_errors(seen.paths[0]) as file,
        open_parquet_rows(options.work, "matrix", ("neuron",), ("pre", "post", "synapses")) as made,
    ):
        neurons_path, edges_path = made[2:]
        try:
            rows = _fields(file, seen.header if blanks else None)
            if row_numbered:
                rows = ((line, row[1:]) for line, row in itertools.islice(rows, 1, None))
            if bare or row_numbered:
                rows = _number_matrix(rows, width, seen, findings)
            _melt(rows, seen, options, made, findings)
        except (UnicodeDecodeError, csv.Error, EOFError) as error:
            findings.add(seen.label, f"can't be read as text: {error}")
    if findings and not before:
        return ImportPlan([])
    ends = {"pre_neuron_id": Cell(("pre",)), "post_neuron_id": Cell(("post",))}
    parts = [
        ImportPart(seen, "neurons", {"neuron_id": Cell(("neuron",))}, made=neurons_path),
        ImportPart(seen, "edges", ends | {"synapse_count": Cell(("synapses",))}, made=edges_path),
    ]
    side, other = ("columns", "rows") if options.transposed else ("rows", "columns")
    turn = "leave out --transposed" if options.transposed else "--transposed"
    notes = [f"Taken as: {side} are presynaptic, {other} postsynaptic ({turn} if it is the other way round)."]
    if bare or row_numbered:
        notes.append(f"Without names: neurons are numbered by row and column, 1 to {width:,}.")
    return ImportPlan(parts, notes=notes)


def _fields(file: IO[str], header: Sequence[str] | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with their lines; ``header``, where blanks are between the fields, is the first one."""
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
    lines: Iterator[tuple[int, list[str]]], width: int, seen: FileProbe, findings: IssueList
) -> Iterator[tuple[int, list[str]]]:
    """Give rows and columns their numbers as names; as many rows as columns are needed."""
    yield 1, ["", *(str(number) for number in range(1, width + 1))]
    number = 0
    for number, (line, row) in enumerate(lines, 1):
        yield line, [str(number), *row]
    if number != width:
        findings.add(
            seen.label,
            f"has {number:,} rows and {width:,} columns; a matrix without names in its first row and column "
            "has as many of both",
        )


def _melt(
    lines: Iterator[tuple[int, list[str]]],
    seen: FileProbe,
    options: Options,
    made: tuple[ParquetRows, ParquetRows, Path, Path],
    findings: IssueList,
) -> None:
    neurons, edges, *_ = made
    _, header = next(lines)
    columns = header[1:]
    _note_repeated(columns, seen, 1, findings)
    for name in dict.fromkeys(columns):
        neurons.add(1, name)
    known, rows, is_empty = set(columns), set(), True
    for line, (name, *cells) in lines:
        if len(cells) != len(columns):
            findings.add(
                seen.label, f"has {len(cells) + 1} fields where the first row has {len(header)}", row=line
            )
            continue
        if name in rows:
            findings.add(seen.label, f"the row of {name!r} is there twice", row=line)
        rows.add(name)
        if name not in known:
            neurons.add(line, name)
            known.add(name)
        for other, cell in zip(columns, cells, strict=True):
            number = is_number(cell)
            if cell.lower() in _NONE or (number and float(cell) == 0):
                continue
            if not number:
                findings.add(seen.label, f"{cell!r} is not a number", row=line, column=other)
            pre, post = (other, name) if options.transposed else (name, other)
            edges.add(line, pre, post, cell)
            is_empty = False
    if is_empty and not findings:
        findings.add(seen.label, "holds no connection: every cell is empty or 0; is it separated otherwise?")


def _note_repeated(names: Sequence[str], seen: FileProbe, line: int, findings: IssueList) -> None:
    known: set[str] = set()
    for position, name in enumerate(names, 2):
        if not name:
            findings.add(seen.label, f"column {position} has no name", row=line)
        elif name in known:
            findings.add(seen.label, f"the column of {name!r} is there twice", row=line)
        known.add(name)
