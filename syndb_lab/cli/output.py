"""The output of results: a file in the format of its ending, a table on a terminal, plain lines in a pipe."""

from __future__ import annotations

import csv
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from syndb_lab.display.listing import GAP, Listing, one_line
from syndb_lab.errors import ResultTruncated, ResultUnsuitable, SyndbError
from syndb_lab.text.terminal_text import columns_of, escape_control_characters

if TYPE_CHECKING:
    import pyarrow

    from syndb_lab.job import Job
    from syndb_lab.lab import Format


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
LONGEST_CELL: Final = 2**31 - 1  # in characters; the default of the csv module is 131,072


def print_plain(text: str, *, err: bool = False) -> None:
    """Print lines of text with control characters escaped."""
    click.echo(escape_control_characters(text), err=err)


def wire_format(output: Path | None) -> Format:
    """Return the result format to request for a file, by its ending.

    Raises
    ------
    click.UsageError
        The ending is unknown, or the folder does not exist.

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
    """Raise for a file to which no table can be written, before a job is submitted."""
    if output is not None:
        wire_format(output)


def check_folder(output: Path | None) -> None:
    """Raise for a file that can't be made, before a job is submitted."""
    if output is None:
        return
    try:
        target = output.resolve()  # a link is kept, and its target is written
        if not stat.S_ISDIR(target.parent.stat().st_mode):
            raise NotADirectoryError
        with suppress(FileNotFoundError):
            target.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise click.UsageError(f"{output}: there is no folder {output.parent}") from None
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.UsageError(f"{output}: no file can be written there: {reason}") from None


def unknown_ending(output: Path | None, endings: Sequence[str]) -> click.UsageError:
    """Build the error for a file whose ending is unknown."""
    known = f"{', '.join(endings[:-1])} or {endings[-1]}"
    return click.UsageError(f"{output}: the ending says which kind of file to write; use {known}")


def check_picture(output: Path | None) -> None:
    """Raise for a file to which no answer of a graph job can be written, before the job is submitted."""
    check_folder(output)
    if output is not None and output.suffix.lower() not in (".json", *PICTURES):
        raise unknown_ending(output, (".json", *PICTURES))


def write_table(job: Job, output: Path | None) -> None:
    """Write the result of a query to a file, or show it."""
    path = job.result_path()
    result = job.record["result"]
    if result.get("truncated"):
        raise ResultTruncated(
            f"the result was cut at the size limit, after {result['rows']:,} rows",
            hint="Ask for less: columns, WHERE, LIMIT.",
        )
    if output is not None:
        with_part(output, lambda part: _write(path, result, output.suffix.lower(), part))
        print_plain(f"{output}: {rows_of(result['rows'])}", err=True)
    elif path.suffix != ".csv":
        _show_arrow(path, result)
    elif sys.stdout.isatty():
        _show_csv(path, result["rows"])
    else:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)


def put_neurons(job: Job, output: Path) -> None:
    """Write the table of neurons of a graph job to a file."""
    path = job.result_path(part="neurons")
    table = job.record["result"]["parts"]["neurons"]
    with_part(output, lambda part: _write(path, table, output.suffix.lower(), part))
    print_plain(f"{output}: {rows_of(table['rows'])}", err=True)


def rows_of(count: int) -> str:
    """Format a number of rows.

    Examples
    --------
    >>> rows_of(1), rows_of(1200)
    ('1 row', '1,200 rows')
    """
    return f"{count:,} row{'' if count == 1 else 's'}"


def with_part(output: Path, write: Callable[[Path], object]) -> None:
    """Write to a temporary file next to the target and rename it at the end; a link stays a link.

    If the target is a pipe or a device, the temporary file is copied into it.
    """
    target = output.resolve()
    is_file = not target.exists() or target.is_file()
    folder = target.parent if is_file else Path(tempfile.gettempdir())
    part = folder / f".{uuid.uuid4().hex}.part"
    try:
        write(part)
        if is_file:
            part.replace(target)
        else:
            with part.open("rb") as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SyndbError(f"{output} can't be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, result: dict[str, Any], ending: str, part: Path) -> None:
    if FORMATS.get(ending) == path.suffix[1:]:
        shutil.copyfile(path, part)
        return
    table = _table(path, result)
    if ending in LISTS:
        from syndb_lab.results.json_writer import write_json

        if nulled := write_json(table, part, lines=ending == ".jsonl"):
            print_plain(
                f"Warning: {nulled:,} value{' is' if nulled == 1 else 's are'} NaN or infinite, which JSON "
                "has not: null is written. A .parquet, .arrow or .csv file keeps them.",
                err=True,
            )
    elif ending == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, part)
    elif FORMATS.get(ending) == "arrow":
        import pyarrow as pa

        with pa.ipc.new_file(part, table.schema) as writer:
            writer.write_table(table)
    elif ending == ".csv":
        from syndb_lab.results.csv_writer import write_csv

        write_csv(table, part)
    else:
        raise unknown_ending(part, (*FORMATS, *LISTS))


def _table(path: Path, result: dict[str, Any]) -> pyarrow.Table:
    try:
        from syndb_lab.results.data_frames import to_arrow

        return to_arrow(path, result.get("columns") or [])
    except ModuleNotFoundError as error:
        raise ResultUnsuitable(
            f"a {path.suffix[1:]} result is turned into another kind by {error.name}, which is not installed",
            hint=f"Install it with `pip install 'syndb-lab[lab]'`, or write a {path.suffix} file.",
        ) from error


def _show_csv(path: Path, total: int) -> None:
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        show(header, [[*row] or [""] for row in islice(reader, SHOWN_ROWS)], total)


def _show_arrow(path: Path, result: dict[str, Any]) -> None:
    """Show a result in another format than CSV."""
    table = _table(path, result)
    if sys.stdout.isatty():
        from syndb_lab.results.duckdb_text import TEXT, cast_columns

        texts = cast_columns(table[:SHOWN_ROWS], dict.fromkeys(range(table.num_columns), TEXT))
        columns = [["" if cell is None else cell for cell in column.to_pylist()] for column in texts.columns]
        show(table.column_names, list(zip(*columns, strict=True)), table.num_rows)
        return
    from syndb_lab.results.csv_writer import write_csv

    sys.stdout.flush()
    write_csv(table, sys.stdout.buffer)


def show(header: Sequence[str], rows: Sequence[Sequence[str]], total: int) -> None:
    """Print the first rows as a table, and the total number of rows."""
    visible = count_visible_columns(header, rows, shutil.get_terminal_size().columns)
    columns = {name: lambda row, index=index: row[index] for index, name in enumerate(header[:visible])}
    click.echo(repr(Listing(rows, columns, empty="  ".join(map(escape_control_characters, header)))))
    shown = [f"the first {len(rows)} rows"] if total > len(rows) else []
    shown += [f"{visible} of {len(header)} columns"] if len(header) > visible else []
    note = f"; {' and '.join(shown)} are shown, -o FILE writes all" if shown else ""
    click.echo(f"{rows_of(total)}{note}", err=True)


def count_visible_columns(header: Sequence[str], rows: Sequence[Sequence[str]], line_width: int) -> int:
    """Count the columns, from the left, that fit into a line; at least 1.

    Examples
    --------
    >>> count_visible_columns(["name", "type"], [["AVAL", "x" * 30]], 40), count_visible_columns(["name",
    ...     "type"], [], 9)
    (2, 1)
    """
    widths = [
        max(columns_of(one_line(cell)) for cell in column) for column in zip(header, *rows, strict=True)
    ]
    ends = accumulate(width + len(GAP) for width in widths)
    return max(sum(end - len(GAP) <= line_width for end in ends), 1)


def write_answer(job: Job, output: Path | None) -> None:
    """Write the answer of a graph job: to a file as JSON or a picture, or its measures to a terminal."""
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
        click.echo(repr(Listing(answer_rows(job.answer()), columns, empty="no figures")))
        click.echo("-o FILE.json writes all of it, -o FILE.png draws it", err=True)
    else:
        sys.stdout.buffer.write(job.result_path().read_bytes())
    if output is not None:
        print_plain(str(output), err=True)


def answer_rows(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """List the measures of an answer, and the neurons of its hubs and its path in order.

    Examples
    --------
    >>> answer_rows({"density": 0.02829, "hubs": [{"name": "AVAR"}, {"name": None, "neuron_id": "7"}]})
    [('density', '0.02829'), ('hubs', 'AVAR, 7')]
    """
    rows = [
        (name, f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in answer.items()
        if isinstance(value, int | float | str)
    ]
    path = (answer.get("shortest_path") or {}).get("path")
    for name, neurons, between in (("hubs", answer.get("hubs"), ", "), ("path", path, " → ")):
        if neurons:
            names = [str(neuron.get("name") or neuron["neuron_id"]) for neuron in neurons]
            rows.append((name, between.join(names)))
    return rows
