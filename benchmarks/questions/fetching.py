"""6. Fetching it: from a completed job to its rows in a notebook's hands."""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Answer, Row, Target
from benchmarks.places import SKIPPED, Bench, Place
from benchmarks.processes import run_role
from benchmarks.questions.large_result import SETTINGS, prepared, weighed

TITLE: Final = "6. Fetching a large result"
CURL: Final = "curl on the same URL"
GIGABYTE: Final = "SELECT (hash(range) >> 4)::INT8 AS a, (hash(-range) >> 4)::INT8 AS b FROM range({rows})"
"""Random ids: LZ4 makes them no smaller, so that the result comes near its cap."""


def answer(bench: Bench) -> Answer:
    """Fetch into an empty cache and by curl, in turn."""
    answer = Answer(TITLE)
    with bench.embedded() as place:
        took, whole = fetched(bench, place, GIGABYTE.format(rows=bench.many(64_000_000, 100_000)))
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
        with bench.distributed(settings=SETTINGS) as place:
            took, size = fetched(bench, place, prepared(bench, place)[0])
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


def fetched(bench: Bench, place: Place, sql: str) -> tuple[dict[str, list[float]], float]:
    """Make a large result and fetch it a number of times; return seconds by way, and its size in MB."""
    job, _ = weighed(place, sql)
    took: dict[str, list[float]] = run_role(
        "fetcher",
        place.environment,
        url=place.url,
        token=place.token,
        job_id=job["job_id"],
        folder=str(bench.fresh_folder("fetched")),
        times=bench.many(5, 1),
    )
    return took, job["result"]["bytes"] / 1e6


def to_ms(seconds: list[float]) -> list[float]:
    """Return milliseconds."""
    return [1000 * each for each in seconds]
