"""6. Fetching it: from a completed job to its rows in a notebook's hands."""

from __future__ import annotations

from typing import Final

from benchmarks.figures import Answer, Row, Target
from benchmarks.places import SKIPPED, Bench, Place
from benchmarks.processes import run_role
from benchmarks.questions.large_result import SETTINGS, prepared, weighed

TITLE: Final = "6. Fetching a large result"
CURL: Final = "curl on the same URL"


def answer(bench: Bench) -> Answer:
    """Fetch into an empty cache and by curl, in turn."""
    answer = Answer(TITLE)
    with bench.embedded(**SETTINGS) as place:
        took, size = fetched(bench, place)
    answer.rows += [
        Row("local: `result_path()`", to_ms(took["ours"]), targets=(Target("median", 100),)),
        Row("local: opened, its schema and batches known (memory-mapped)", to_ms(took["arrow"])),
        Row("local: every row decompressed in a polars frame", to_ms(took["polars"])),
    ]
    try:
        with bench.distributed(settings=SETTINGS) as place:
            took, size = fetched(bench, place)
    except SKIPPED as missing:
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
        f"A result of {size:,.0f} MB, each time into an empty cache; remote is S3 behind the API."
    )
    return answer


def fetched(bench: Bench, place: Place) -> tuple[dict[str, list[float]], float]:
    """Make a large result and fetch it a number of times; return seconds by way, and its size in MB."""
    sql, _ = prepared(bench, place)
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
