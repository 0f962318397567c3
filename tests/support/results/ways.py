"""The ways that lead to a result: each is walked to its end, and what it gives is held against the truth."""

from __future__ import annotations

import hashlib
import io
import itertools
import random
import time
from pathlib import Path
from typing import Any, Final

import click.testing
import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from syndb_lab.cli.main import main
from syndb_lab.job import Job
from syndb_lab.lab import Lab
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.results.data_frames import to_arrow
from tests.support.results.truth import Truth, read_json

MOST_JSON_ROWS: Final = 3_000
MOST_JSON_BYTES: Final = 8_000_000
SLOW_CHUNK: Final = 32_768
SLOW_PAUSES: Final = 100
PREVIEW_ROWS: Final = 100


def check_file(job: Job, truth: Truth, path: Path) -> None:
    """Read the file that the client fetched, as the client does, and as other readers do."""
    result = job.record["result"]
    content = path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (result["bytes"], result["sha256"])
    assert result["rows"] == truth.case.rows
    truth.compare(to_arrow(path, result["columns"]), "the client's table")
    if path.suffix == ".csv":
        truth.compare_csv(path, "the CSV file")


def check_preview(job: Job, truth: Truth) -> None:
    """Read the first rows: as many as fit, and none that is wrong."""
    preview = job.preview()
    assert preview.num_rows <= min(PREVIEW_ROWS, truth.case.rows)
    assert preview.num_rows or not truth.case.rows or len(job.result_path().read_bytes()) > 2_000
    truth.compare(preview, "the preview", slice(0, preview.num_rows))


def check_reference(lab: Lab, job: Job, truth: Truth, made: random.Random) -> None:
    """Query the stored result by ``{{job}}``, into each format."""
    kind: Any = made.choice(["arrow", "parquet", "csv"])
    again = lab.sql("SELECT * FROM {{job}}", jobs={"job": job}, format=kind).wait()
    assert again.status == "completed", again.record
    path = again.result_path()
    truth.compare(to_arrow(path, again.record["result"]["columns"]), f"{{{{job}}}} as {kind}")


def check_table(job: Job, truth: Truth, path: Path, made: random.Random) -> None:
    """Page through the table of a notebook: as stored, sorted, filtered, both."""
    rows = RowView(path, job.record["result"]["columns"])
    every = list(range(len(truth.case.columns)))
    ordered = [number for number in every if truth.case.columns[number].ordered]
    try:
        assert rows.count == truth.case.rows
        keys = [(at, made.choice(["asc", "desc"])) for at in made.sample(ordered, min(2, len(ordered)))]
        contains = find_text(truth, made)
        for sort, filters in (([], {}), (keys, {}), ([], contains), (keys[:1], contains)):
            view = ViewSpec(sort, {at: f'"{text}"' for at, text in filters.items()})  # type: ignore[arg-type]
            numbers = truth.order(sort, filters)
            assert rows.total(view) == len(numbers), (truth.case, sort, filters)
            for first in {0, made.randrange(len(numbers) + 1), max(len(numbers) - 3, 0)}:
                check_page(rows, view, truth, numbers, first, made)
    finally:
        rows.close()


def check_page(
    rows: RowView, view: ViewSpec, truth: Truth, numbers: list[int], first: int, made: random.Random
) -> None:
    """Read a page of a view, in some of its columns, for the screen and for the clipboard."""
    columns = made.sample(range(len(truth.case.columns)), made.randint(1, min(6, len(truth.case.columns))))
    wanted = numbers[first : first + 7]
    found, cells = rows.page(view, first, 7, columns)
    assert found == wanted, (truth.case, view.key, first)
    whole = rows.texts(view, first, 7, columns)
    for place, number in enumerate(wanted):
        for at, column in enumerate(columns):
            expected = truth.texts.column(column)[number].as_py()
            told = (truth.case, view.key, number, truth.case.columns[column])
            assert whole[place][at] == expected, told
            cell = cells[place][at]
            assert (cell is None) == (expected is None), told
            if isinstance(cell, list):
                assert cell[1] == len(expected), told


def find_text(truth: Truth, made: random.Random) -> dict[int, str]:
    """Choose a piece of some cell to filter by; none where there are no cells."""
    if not truth.case.rows:
        return {0: "x"}
    column = made.randrange(len(truth.case.columns))
    text = truth.texts.column(column)[made.randrange(truth.case.rows)].as_py() or "a"
    start = made.randrange(len(text) or 1)
    piece = text[start : start + made.randint(1, 6)].strip()
    return {column: piece} if piece else {column: "a"}


def check_command(lab: Lab, token: str, job: Job, truth: Truth, folder: Path, made: random.Random) -> None:
    """Fetch it by the command line: to a file of each kind, and through a pipe."""
    environment = {"SYNDB_URL": lab.url, "SYNDB_TOKEN": token}
    runner = click.testing.CliRunner()
    few = truth.case.rows <= MOST_JSON_ROWS and truth.texts.nbytes <= MOST_JSON_BYTES
    endings = ["arrow", "parquet", "csv", *(["json", "jsonl"] if few else [])]
    for ending in endings if few else made.sample(endings, 1):
        path = folder / f"{job.id}.{ending}"
        done = runner.invoke(main, ["result", job.id, "-q", "-o", str(path)], env=environment)
        assert (done.exit_code, done.stdout) == (0, ""), done.output
        way = f"the command's .{ending}"
        if ending.startswith("json"):
            truth.compare_json(read_json(path), way)
        elif ending == "csv":
            truth.compare_csv(path, way)
        else:
            table = pq.read_table(path) if ending == "parquet" else pa.ipc.open_file(path).read_all()
            truth.compare(table, way)
        path.unlink()
    done = runner.invoke(main, ["result", job.id, "-q"], env=environment)
    assert done.exit_code == 0, done.output
    path = folder / f"{job.id}.pipe.csv"
    path.write_bytes(done.stdout_bytes)
    truth.compare_csv(path, "the command's pipe")
    path.unlink()


def check_pieces(http: httpx.Client, job: Job, whole: bytes, made: random.Random) -> None:
    """Download it in pieces that were cut anywhere, the last ones first."""
    size = len(whole)
    cuts = sorted({0, size, *(made.randrange(size + 1) for _ in range(made.randint(1, 6)))})
    pieces = list(itertools.pairwise(cuts))
    found = bytearray(size)
    etag = f'"{job.record["result"]["sha256"]}"'
    for start, stop in reversed(pieces):
        last = "" if stop == size and made.random() < 0.5 else str(stop - 1)
        answer = http.get(
            f"/v1/jobs/{job.id}/result", headers={"Range": f"bytes={start}-{last}", "If-Range": etag}
        )
        assert answer.status_code == 206, answer
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        found[start:stop] = answer.content
    assert found == whole, f"job {job.id}: the pieces {pieces} are not the whole"


def check_slow_reader(http: httpx.Client, job: Job, whole: bytes) -> None:
    """Download it a little at a time."""
    found = io.BytesIO()
    with http.stream("GET", f"/v1/jobs/{job.id}/result") as answer:
        for number, chunk in enumerate(answer.iter_raw(SLOW_CHUNK)):
            found.write(chunk)
            if number < SLOW_PAUSES:
                time.sleep(0.002)
    assert found.getvalue() == whole, f"job {job.id}: a slow reader got something else"
