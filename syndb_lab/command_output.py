"""Where a result goes: a file of the kind its name ends in, a table on a terminal, plain lines in a pipe."""

from __future__ import annotations

import csv
import json
import math
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from syndb_lab.errors import ResultTruncated, ResultUnsuitable, SyndbError
from syndb_lab.listing import GAP, Listing, one_line

if TYPE_CHECKING:
    import pyarrow

    from syndb_lab.client import Format
    from syndb_lab.job import Job

FORMATS: Final[dict[str, Format]] = {
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".parquet": "parquet",
    ".csv": "csv",
}
LISTS: Final = (".json", ".jsonl")
PICTURES: Final = (".png", ".svg", ".pdf")
SHOWN_ROWS: Final = 20
MOST_EXACT: Final = 1 << 53


def wire_format(output: Path | None) -> Format:
    """Say which format a query is best asked for in, for a file of this name.

    Raises
    ------
    click.UsageError
        The ending says nothing, or the folder is not there.

    Examples
    --------
    >>> wire_format(Path("out.parquet")), wire_format(None)
    ('parquet', 'csv')
    """
    check_folder(output)
    ending = output.suffix.lower() if output else ".csv"
    if ending in LISTS:
        return "arrow"
    if ending not in FORMATS:
        raise unknown_ending(output, (*FORMATS, *LISTS))
    return FORMATS[ending]


def check_table(output: Path | None) -> None:
    """Refuse a file that a table can't go to, before anything is run for it."""
    if output is not None:
        wire_format(output)


def check_folder(output: Path | None) -> None:
    """Refuse a file in a folder that is not there, before anything is run for it."""
    if output is not None and not output.parent.is_dir():
        raise click.UsageError(f"{output}: there is no folder {output.parent}")


def unknown_ending(output: Path | None, endings: Sequence[str]) -> click.UsageError:
    """Refuse a file whose ending says nothing."""
    known = f"{', '.join(endings[:-1])} or {endings[-1]}"
    return click.UsageError(f"{output}: the ending says which kind of file to write; use {known}")


def check_picture(output: Path | None) -> None:
    """Refuse a file that the answer of a graph analysis can't go to, before it is run."""
    check_folder(output)
    if output is not None and output.suffix.lower() not in (".json", *PICTURES):
        raise unknown_ending(output, (".json", *PICTURES))


def put_table(job: Job, output: Path | None) -> None:
    """Write a query's result, or show it."""
    path = job.result_path()
    result = job.record["result"]
    if result.get("truncated"):
        raise ResultTruncated(
            f"the result was cut at the size limit, after {result['rows']:,} rows",
            hint="Ask for less: columns, WHERE, LIMIT.",
        )
    if output is not None:
        with_part(output, lambda part: _write(path, result, output.suffix.lower(), part))
        click.echo(f"{output}: {rows_of(result['rows'])}", err=True)
    elif path.suffix != ".csv":
        _show_arrow(path, result)
    elif sys.stdout.isatty():
        _show_csv(path, result["rows"])
    else:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)


def put_neurons(job: Job, output: Path) -> None:
    """Write the table of neurons that a graph job has beside its answer."""
    path = job.result_path(part="neurons")
    table = job.record["result"]["parts"]["neurons"]
    with_part(output, lambda part: _write(path, table, output.suffix.lower(), part))
    click.echo(f"{output}: {rows_of(table['rows'])}", err=True)


def rows_of(count: int) -> str:
    """Write a number of rows.

    Examples
    --------
    >>> rows_of(1), rows_of(1200)
    ('1 row', '1,200 rows')
    """
    return f"{count:,} row{'' if count == 1 else 's'}"


def with_part(output: Path, write: Any) -> None:
    """Write beside a file and take its name when all is written."""
    part = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        write(part)
        part.replace(output)
    except OSError as error:
        raise SyndbError(f"{output} can't be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, result: dict[str, Any], ending: str, part: Path) -> None:
    if FORMATS.get(ending) == path.suffix[1:]:
        shutil.copyfile(path, part)
        return
    table = _table(path, result)
    if ending in LISTS:
        _write_json(table, part, lines=ending == ".jsonl")
    elif ending == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, part)
    elif FORMATS.get(ending) == "arrow":
        import pyarrow as pa

        with pa.ipc.new_file(part, table.schema) as writer:
            writer.write_table(table)
    elif ending == ".csv":
        import pyarrow.csv as pa_csv

        pa_csv.write_csv(table, part)
    else:
        raise unknown_ending(part, (*FORMATS, *LISTS))


def _table(path: Path, result: dict[str, Any]) -> pyarrow.Table:
    try:
        from syndb_lab.frames import to_arrow

        return to_arrow(path, result.get("columns") or [])
    except ModuleNotFoundError as error:
        raise ResultUnsuitable(
            f"a {path.suffix[1:]} result is turned into another kind by {error.name}, which is not installed",
            hint=f"Install it with `pip install 'syndb-lab[lab]'`, or write a {path.suffix} file.",
        ) from error


def _write_json(table: pyarrow.Table, part: Path, *, lines: bool) -> None:
    """Write objects; a column with whole numbers beyond 2^53 is text, as JavaScript would round them."""
    texts = {name for name in table.column_names if _is_beyond(table[name])}
    head, between, tail = ("", "\n", "\n") if lines else ("[", ",\n", "]\n")
    with part.open("w", encoding="utf-8") as file:
        file.write(head)
        for number, row in enumerate(_rows(table)):
            plain = {name: _plain(value, as_text=name in texts) for name, value in row.items()}
            file.write((between if number else "") + json.dumps(plain, ensure_ascii=False, default=str))
        file.write(tail if table.num_rows or not lines else "")


def _rows(table: pyarrow.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _is_beyond(column: pyarrow.ChunkedArray) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(column.type):
        return False
    ends = pc.min_max(column).as_py()
    return any(end is not None and abs(end) > MOST_EXACT for end in ends.values())


def _plain(value: Any, *, as_text: bool) -> Any:
    if as_text and value is not None:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _show_csv(path: Path, total: int) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        show(header, list(islice(reader, SHOWN_ROWS)), total)


def _show_arrow(path: Path, result: dict[str, Any]) -> None:
    """Show the result of a job that was asked for in another format than CSV."""
    table = _table(path, result)
    if sys.stdout.isatty():
        cells = [
            ["" if cell is None else str(cell) for cell in row.values()] for row in _rows(table[:SHOWN_ROWS])
        ]
        show(table.column_names, cells, table.num_rows)
        return
    import pyarrow.csv as pa_csv

    pa_csv.write_csv(table, sys.stdout.buffer)


def show(header: Sequence[str], rows: Sequence[Sequence[str]], total: int) -> None:
    """Print the first rows as a table, and how many there are in all."""
    wide = fitting(header, rows, shutil.get_terminal_size().columns)
    columns = {name: lambda row, at=at: row[at] for at, name in enumerate(header[:wide])}
    click.echo(repr(Listing(rows, columns, empty="  ".join(header))))
    left = [f"the first {len(rows)} rows"] if total > len(rows) else []
    left += [f"{wide} of {len(header)} columns"] if len(header) > wide else []
    more = f"; {' and '.join(left)} are shown, -o FILE writes all" if left else ""
    click.echo(f"{rows_of(total)}{more}", err=True)


def fitting(header: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> int:
    """Say how many columns, from the left, fit into a line; the first one always does.

    Examples
    --------
    >>> fitting(["name", "type"], [["AVAL", "x" * 30]], 40), fitting(["name", "type"], [], 9)
    (2, 1)
    """
    widths = [max(len(one_line(cell)) for cell in column) for column in zip(header, *rows, strict=True)]
    ends = accumulate(width + len(GAP) for width in widths)
    return max(sum(end - len(GAP) <= room for end in ends), 1)


def put_answer(job: Job, output: Path | None) -> None:
    """Write what a graph analysis found: as JSON, as a picture, or its figures on a terminal."""
    check_picture(output)
    ending = output.suffix.lower() if output else ""
    if output is not None and ending in PICTURES:
        job.result_path()
        figure = job.plot()
        with_part(output, lambda part: figure.savefig(part, format=ending[1:]))
    elif output is not None:
        path = job.result_path()
        with_part(output, lambda part: shutil.copyfile(path, part))
    elif sys.stdout.isatty():
        columns = {"figure": lambda pair: pair[0], "value": lambda pair: pair[1]}
        click.echo(repr(Listing(figures(job.answer()), columns, empty="no figures")))
        click.echo("-o FILE.json writes all of it, -o FILE.png draws it", err=True)
    else:
        sys.stdout.buffer.write(job.result_path().read_bytes())
    if output is not None:
        click.echo(str(output), err=True)


def figures(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """List the figures of an answer, and the neurons that it names in their order.

    Examples
    --------
    >>> figures({"density": 0.02829, "hubs": [{"name": "AVAR"}, {"name": None, "neuron_id": "7"}]})
    [('density', '0.02829'), ('hubs', 'AVAR, 7')]
    """
    found = [
        (name, f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in answer.items()
        if isinstance(value, int | float | str)
    ]
    path = (answer.get("shortest_path") or {}).get("path")
    for name, neurons, between in (("hubs", answer.get("hubs"), ", "), ("path", path, " → ")):
        if neurons:
            found.append((name, between.join(str(each.get("name") or each["neuron_id"]) for each in neurons)))
    return found
