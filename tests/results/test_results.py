"""Every value of results of random schemas, by every way to them; at length: ``make test-results``.

``SYNDB_RESULTS_SEED`` and ``SYNDB_RESULTS_CASES`` choose other cases and more of them.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from syndb_lab.job import Job
from syndb_lab.lab import Lab
from tests.support.results import ways
from tests.support.results.cases import A_VALUE, FORMATS, WIDTHS, Case, every_kind, make_case
from tests.support.results.columns import KINDS, make_column, make_text
from tests.support.results.cutting_line import CuttingLine, random_cuts
from tests.support.results.service import Place
from tests.support.results.truth import Truth
from tests.support.servers.store_proxy import Act

SEED = int(os.environ.get("SYNDB_RESULTS_SEED", "14"))
CASES = int(os.environ.get("SYNDB_RESULTS_CASES", "10"))
AT_LENGTH = "SYNDB_RESULTS_CASES" in os.environ
MOST_BYTES = (128 if AT_LENGTH else 12) * 1024**2
AT_ONCE = 4
PART = 8 * 1024**2
WIDE_ROW = 1_000_000

needs_time = pytest.mark.timeout(0 if AT_LENGTH else 300)


def check(place: Place, job: Job, case: Case, folder: Path, made: random.Random) -> None:
    """Walk every way to a result."""
    with Truth(case) as truth:
        job.wait()
        assert job.status == "completed", (case, case.sql, job.record["error"])
        path = job.result_path()
        whole = path.read_bytes()
        ways.check_file(job, truth, path)
        ways.check_preview(job, truth)
        ways.check_table(job, truth, path, made)
        ways.check_pieces(place.http, job, whole, made)
        ways.check_command(place.lab, place.live.token, job, truth, folder, made)
        if case.format != "csv":
            ways.check_reference(place.lab, job, truth, made)
        if len(whole) < 4 * 1024**2:
            ways.check_slow_reader(place.http, job, whole)


def check_all(place: Place, cases: list[Case], folder: Path, made: random.Random) -> None:
    """Run some jobs at a time and check them one by one."""
    waiting = list(cases)
    running: list[tuple[Case, Job]] = []
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            case = waiting.pop(0)
            running.append((case, place.lab.sql(case.sql, format=case.format)))  # type: ignore[arg-type]
        case, job = running.pop(0)
        try:
            check(place, job, case, folder, made)
        except Exception as error:
            error.add_note(f"SYNDB_RESULTS_SEED={SEED}, {place.name}, {case}\n{case.sql[:4000]}")
            raise
        job.purge()


@needs_time
def test_every_value_of_every_type(local: Place, tmp_path: Path) -> None:
    made = random.Random(SEED)
    check_all(local, [every_kind(made, each, 1_100) for each in FORMATS], tmp_path, made)


@needs_time
def test_random_results_in_a_folder(local: Place, tmp_path: Path) -> None:
    made = random.Random(SEED + 1)
    check_all(local, [make_case(made, number, MOST_BYTES) for number in range(CASES)], tmp_path, made)


@needs_time
def test_random_results_in_s3(distant: Place, tmp_path: Path) -> None:
    made = random.Random(SEED + 2)
    many = max(CASES // 4, 2)
    check_all(distant, [make_case(made, number, 3 * MOST_BYTES) for number in range(many)], tmp_path, made)


@needs_time
def test_two_million_rows(local: Place, tmp_path: Path) -> None:
    made = random.Random(SEED + 3)
    kinds = ["BIGINT", "DOUBLE", "UUID"] if AT_LENGTH else ["INTEGER"]
    cases = [
        Case(f"long, {each}", tuple(make_column(made, kind, kind) for kind in kinds), 2_000_000, each)
        for each in (FORMATS if AT_LENGTH else (made.choice(FORMATS),))
    ]
    check_all(local, cases, tmp_path, made)


@needs_time
def test_rows_of_a_megabyte(local: Place, tmp_path: Path) -> None:
    made = random.Random(SEED + 4)
    cases = [
        Case(
            f"wide, {each}",
            (
                make_column(made, "BIGINT", "n"),
                make_text(made, "t", WIDE_ROW, random_letters=False),
                make_column(made, "VARCHAR", "s"),
            ),
            20,
            each,
        )
        for each in FORMATS
    ]
    check_all(local, cases, tmp_path, made)


@needs_time
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_width_of_rows(local: Place, file_format: str) -> None:
    """Writers hand over what they have by rows or by bytes: no width from a byte to a megabyte is special."""
    made = random.Random(SEED + 6)
    for width in WIDTHS:
        rows = min(30_000, 4_000_000 // (width + A_VALUE))
        text = make_text(made, "t", width, random_letters=False)
        case = Case(f"width {width:,}", (make_column(made, "BIGINT", "n"), text), rows, file_format)
        job = local.lab.sql(case.sql, format=case.format)  # type: ignore[arg-type]
        with Truth(case) as truth:
            ways.check_file(job, truth, job.result_path())


def test_csv_of_rows_whose_thousand_passes_64_kib(local: Place) -> None:
    """The writer hands over 1,024 rows at a time; from 64 KiB on they were once sent without being copied."""
    jobs = [
        (width, local.lab.sql(f"SELECT i, repeat(chr((65 + i % 26)::INTEGER), {width}) AS s "
                              f"FROM range({rows}) r(i)", format="csv"), rows)
        for width, rows in ((20, 50_000), (70, 50_000), (200, 50_000), (5_000, 3_000))
    ]  # fmt: skip
    for width, job, rows in jobs:
        lines = (f'{number},"{chr(65 + number % 26) * width}"\n' for number in range(rows))
        assert job.result_path().read_bytes() == ('"i","s"\n' + "".join(lines)).encode(), width


@pytest.mark.parametrize("slow", [False, True])
def test_sizes_around_the_parts_of_an_upload(distant: Place, slow: bool) -> None:
    """A result of one part is put at once, a larger one part by part: no byte more or less at their ends."""
    assert distant.store is not None
    sizes = (
        [2 * PART + 1] if slow else [1024**2, PART - 1, PART, PART + 1, 2 * PART - 1, 2 * PART, 3 * PART + 17]
    )
    jobs = [(size, *exact(distant.lab, size)) for size in sizes]
    with distant.store.rule(Act.SLOW, "PUT", times=3 if slow else 0):
        for size, job, expected in jobs:
            content = job.result_path().read_bytes()
            assert len(content) == size
            assert content == expected, size
            ways.check_pieces(distant.http, job, expected, random.Random(size))
            job.purge()


def exact(lab: Lab, size: int) -> tuple[Job, bytes]:
    """Submit a query whose CSV has exactly so many bytes; give them, too."""
    head, row = b'"t"\n', 3  # quotes and the end of a line
    width = 100_000
    rows = (size - len(head)) // (width + row)
    last = size - len(head) - (rows - 1) * (width + row) - row
    lengths = f"CASE WHEN i = {rows - 1} THEN {last} ELSE {width} END"
    letters = "repeat(chr((65 + i % 26)::INTEGER), " + lengths + ")"
    job = lab.sql(f"SELECT {letters} AS t FROM range({rows}) r(i)", format="csv")
    lines = [b'"%s"\n' % (bytes([65 + i % 26]) * (last if i == rows - 1 else width)) for i in range(rows)]
    return job, head + b"".join(lines)


@needs_time
@pytest.mark.parametrize("where", ["local", "distant"])
def test_a_download_that_breaks_goes_on(where: str, request: pytest.FixtureRequest) -> None:
    place: Place = request.getfixturevalue(where)
    made = random.Random(SEED + 5)
    for number in range(max(CASES // 8, 2)):
        columns = (make_column(made, "BIGINT", "n"), make_text(made, "t", 300, random_letters=True))
        case = Case(f"cut {number}", columns, made.choice([10, 5_000, 20_000]), made.choice(FORMATS))
        submitted = place.lab.sql(case.sql, format=case.format).wait()  # type: ignore[arg-type]
        size = submitted.record["result"]["bytes"]
        line = CuttingLine(int(place.live.url.rpartition(":")[2]), random_cuts(made, size))
        try:
            with Lab(line.url, place.live.token) as lab, Truth(case) as truth:
                job = lab.job(submitted.id)
                ways.check_file(job, truth, job.result_path())
        finally:
            line.close()


def test_each_kind_of_column_is_written(local: Place) -> None:
    """The rig itself: its SQL says what it should."""
    made = random.Random(SEED)
    for kind in KINDS:
        case = Case(kind, (make_column(made, kind, "c"),), 50, "arrow")
        with Truth(case) as truth:
            assert truth.texts.num_rows == 50
            assert truth.texts.column(0).null_count < 50
