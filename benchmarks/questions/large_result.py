"""5. A large result: written at the engine's speed, to disk and to S3, in little memory."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Answer, Row, Target
from benchmarks.places import SKIPPED, Bench, Place, jobs_of, syndb_lab
from benchmarks.processes import family, memory_mb, run_role
from benchmarks.queries import files
from benchmarks.synapses import dataset

TITLE: Final = "5. A large result: 50 million synapse rows of two columns"
MIB: Final = 1024**2
MEMORY_BYTES: Final = 512 * MIB
SQL: Final = "SELECT pre_neuron_id, post_neuron_id FROM synapses WHERE dataset_id IN ({datasets})"
SETTINGS: Final = {"SYNDB_JOB_MEMORY_BYTES": str(MEMORY_BYTES)}


def answer(bench: Bench) -> Answer:
    """Run the query as a job and in DuckDB alone, in turn; then upload the same file by boto3."""
    answer = Answer(TITLE)
    rounds = bench.many(4, 1)
    alone = "DuckDB alone: the same Arrow batches, dropped"
    ours, bare, peaks, size = [], [], [], 0
    with bench.embedded(**SETTINGS) as place:
        sql, paths = prepared(bench, place)
        for _ in range(rounds):
            done = run_role("batches", place.environment, sql=sql, paths=paths, memory=f"{MEMORY_BYTES}B")
            job, peak = weighed(place, sql)
            bare.append(done["rows"] / 1e6 / done["seconds"])
            ours.append(done["rows"] / 1e6 / seconds_of(job))
            peaks.append(peak - MEMORY_BYTES / 1e6)
            size = job["result"]["bytes"]
    answer.rows += [
        Row("a job, embedded", ours, "M rows/s", alone, (Target("ratio", 0.7, "higher"),)),
        Row(alone, bare, "M rows/s"),
        memory_row(place, peaks),
    ]
    try:
        with bench.distributed(settings=SETTINGS) as place:
            answer.rows += to_s3(bench, place, prepared(bench, place)[0], rounds)
    except SKIPPED as missing:
        answer.missing.append(f"S3: {missing}")
    answer.notes.append(
        f"Ten datasets of 5 million synapses; the result has {size / 1e6:,.0f} MB as Arrow with LZ4. A "
        "job's time is its row's, from claim to completed: compressed, hashed, written, synced. Memory "
        "is the sum of all processes' PSS at its highest, the idle service included, less the 512 MiB "
        "that DuckDB may use."
    )
    return answer


def prepared(bench: Bench, place: Place) -> tuple[str, list[str]]:
    """Add the datasets; return the query that gives all their synapses, and the files that it reads."""
    folders = [
        dataset(bench, bench.many(5_000_000, 20_000), f"many-{number}") for number in range(bench.many(10, 2))
    ]
    found = [
        syndb_lab(place.environment, place.data_dir, "dataset", "add", str(folder)) for folder in folders
    ]
    paths = [path for each in found for path in files(place.data_dir, "synapses", each)]
    return SQL.format(datasets=", ".join(f"'{each}'" for each in found)), paths


def seconds_of(job: dict[str, Any]) -> float:
    """Return how long a job ran, by its row."""
    ran = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
    return ran.total_seconds()


def weighed(place: Place, sql: str) -> tuple[dict[str, Any], float]:
    """Run a job; return it, and the most memory that all processes of the service held, in MB."""
    peak, ended = 0.0, threading.Event()

    def weigh() -> None:
        nonlocal peak
        while not ended.wait(0.1):
            peak = max(peak, memory_mb(family(place.pids)))

    scales = threading.Thread(target=weigh)
    scales.start()
    try:
        with jobs_of(place) as jobs:
            job = jobs.submit(sql)
            until = time.monotonic() + 900
            while job["status"] in ("pending", "running") and time.monotonic() < until:
                params = {"wait": 30, "version": job["version"]}
                job = jobs.http.get(f"/v1/jobs/{job['job_id']}", params=params).json()
    finally:
        ended.set()
        scales.join()
    if job["status"] != "completed":
        raise RuntimeError(f"the job ended as {job['status']}: {job['error_message']}")
    return job, peak


def memory_row(place: Place, peaks: list[float]) -> Row:
    """Say how much memory the service held at most beyond DuckDB's limit."""
    what = f"peak memory of the {place.name} service beyond DuckDB's limit"
    return Row(what, [max(each, 0.0) for each in peaks], "MB", targets=(Target("worst", 300),))


def to_s3(bench: Bench, place: Place, sql: str, rounds: int) -> list[Row]:
    """Run jobs whose results go to S3, and upload the same bytes by boto3, in turn."""
    seaweed, file = bench.servers().seaweed, bench.fresh_folder("upload") / "result.arrow"
    ours, plain, peaks = [], [], []
    for _ in range(rounds):
        job, peak = weighed(place, sql)
        with jobs_of(place) as jobs:
            file.write_bytes(jobs.result(job).content)
        size = job["result"]["bytes"] / 1e6
        peaks.append(peak - MEMORY_BYTES / 1e6)
        ours.append(size / seconds_of(job))
        plain.append(size / uploaded(seaweed, file))
        with jobs_of(place) as jobs:
            jobs.http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"})
    beside = "boto3: `upload_file` of the finished file"
    return [
        Row("a job, query and upload to S3", ours, "MB/s", beside, (Target("ratio", 0.7, "higher"),)),
        Row(beside, plain, "MB/s"),
        memory_row(place, peaks),
    ]


def uploaded(seaweed: Any, file: Path) -> float:
    """Upload a file by boto3 as it is; return the seconds."""
    client = seaweed.client()
    began = time.perf_counter()
    client.upload_file(str(file), seaweed.bucket, "plain")
    elapsed = time.perf_counter() - began
    client.delete_object(Bucket=seaweed.bucket, Key="plain")
    return elapsed
