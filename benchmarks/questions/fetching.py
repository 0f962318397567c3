"""6. Fetching a result: from a completed job to its rows in a notebook."""

from __future__ import annotations

from typing import Final

from benchmarks.locations import SKIPPED, Bench, Location
from benchmarks.processes import run_role
from benchmarks.questions.large_result import SETTINGS, prepare_query, run_with_peak_memory
from benchmarks.statistics import Answer, Row, Target

TITLE: Final = "6. Fetching a large result"
CURL: Final = "curl on the same URL"
GIGABYTE: Final = "SELECT (hash(range) >> 4)::INT8 AS a, (hash(-range) >> 4)::INT8 AS b FROM range({rows})"
"""Random ids, which LZ4 can't compress, so that the result is close to its size limit."""


def answer(bench: Bench) -> Answer:
    """Fetch alternately into an empty cache and by curl."""
    answer = Answer(TITLE)
    with bench.embedded() as location:
        took, whole = measure_fetch(bench, location, GIGABYTE.format(rows=bench.many(64_000_000, 100_000)))
    answer.rows += [
        Row(
            "local: `to_lazy()`, a lazy polars frame on the file in place",
            to_ms(took["lazy"]),
            targets=(Target("median", 100),),
        ),
        Row("local: from there to the sum of a column", to_ms(took["sum"])),
        Row("local: `to_polars()`, every row decompressed", to_ms(took["whole"])),
    ]
    try:
        with bench.distributed(settings=SETTINGS) as location:
            took, size = measure_fetch(bench, location, prepare_query(bench, location)[0])
    except SKIPPED as missing:
        size = 0.0
        answer.missing.append(f"remote: {missing}")
    else:
        ours = [size / each for each in took["ours"]]
        if took["curl"]:
            plain = [size / each for each in took["curl"]]
            row = Row("remote, hashed", ours, "MB/s", CURL, (Target("ratio", 0.8, "higher"),))
            answer.rows += [row, Row(CURL, plain, "MB/s")]
        else:
            answer.rows.append(Row("remote, hashed", ours, "MB/s"))
            answer.missing.append("curl is not installed")
    answer.notes.append(
        f"Local a result of {whole:,.0f} MB, remote one of {size:,.0f} MB from S3 behind the API; each time "
        "into an empty cache. A result's buffers are LZ4: a frame of all rows is decompressed into memory."
    )
    return answer


def measure_fetch(bench: Bench, location: Location, sql: str) -> tuple[dict[str, list[float]], float]:
    """Create a large result and fetch it several times; return the seconds by way, and its size in MB."""
    job, _ = run_with_peak_memory(location, sql)
    took: dict[str, list[float]] = run_role(
        "fetcher",
        location.environment,
        url=location.url,
        token=location.token,
        job_id=job["job_id"],
        folder=str(bench.fresh_folder("fetched")),
        times=bench.many(5, 1),
    )
    return took, job["result"]["bytes"] / 1e6


def to_ms(seconds: list[float]) -> list[float]:
    """Convert seconds to milliseconds."""
    return [1000 * each for each in seconds]
