"""5. A large result: time to write it to disk and to S3, and memory."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.locations import SKIPPED, Bench, Location, jobs_of, syndb_lab
from benchmarks.processes import family, memory_mb, run_role
from benchmarks.queries import files
from benchmarks.statistics import Answer, Row, Target
from benchmarks.synapses import dataset

TITLE: Final = "5. A large result: 50 million synapse rows of two columns"
MIB: Final = 1024**2
MEMORY_BYTES: Final = 512 * MIB
SQL: Final = "SELECT pre_neuron_id, post_neuron_id FROM synapses WHERE dataset_id IN ({datasets})"
SETTINGS: Final = {"SYNDB_JOB_MEMORY_BYTES": str(MEMORY_BYTES)}


def answer(bench: Bench) -> Answer:
    """Run the query alternately as a job and in bare DuckDB; then upload the same file by boto3."""
    answer = Answer(TITLE)
    rounds = bench.many(4, 1)
    alone = "DuckDB alone: the same Arrow batches, dropped"
    ours, bare, peaks, size = [], [], [], 0
    with bench.embedded(**SETTINGS) as location:
        sql, paths = prepare_query(bench, location)
        for _ in range(rounds):
            done = run_role("batches", location.environment, sql=sql, paths=paths, memory=f"{MEMORY_BYTES}B")
            job, peak = run_with_peak_memory(location, sql)
            bare.append(done["rows"] / 1e6 / done["seconds"])
            ours.append(done["rows"] / 1e6 / seconds_of(job))
            peaks.append(peak - MEMORY_BYTES / 1e6)
            size = job["result"]["bytes"]
    answer.rows += [
        Row("a job, embedded", ours, "M rows/s", alone, (Target("ratio", 0.7, "higher"),)),
        Row(alone, bare, "M rows/s"),
        memory_row(location, peaks),
    ]
    try:
        with bench.distributed(settings=SETTINGS) as location:
            answer.rows += to_s3(bench, location, prepare_query(bench, location)[0], rounds)
    except SKIPPED as missing:
        answer.missing.append(f"S3: {missing}")
    answer.notes.append(
        f"Ten datasets of 5 million synapses; the result has {size / 1e6:,.0f} MB as Arrow with LZ4. A "
        "job's time is its row's, from claim to completed: compressed, hashed, written, synced. Memory "
        "is the sum of all processes' PSS at its highest, the idle service included, less the 512 MiB "
        "that DuckDB may use."
    )
    return answer


def prepare_query(bench: Bench, location: Location) -> tuple[str, list[str]]:
    """Add the datasets; return the query for all their synapses, and the files that it reads."""
    folders = [
        dataset(bench, bench.many(5_000_000, 20_000), f"many-{number}") for number in range(bench.many(10, 2))
    ]
    found = [
        syndb_lab(location.environment, location.data_dir, "dataset", "add", str(folder))
        for folder in folders
    ]
    paths = [path for each in found for path in files(location.data_dir, "synapses", each)]
    return SQL.format(datasets=", ".join(f"'{each}'" for each in found)), paths


def seconds_of(job: dict[str, Any]) -> float:
    """Return the run time of a job, from its row."""
    ran = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
    return ran.total_seconds()


def run_with_peak_memory(location: Location, sql: str) -> tuple[dict[str, Any], float]:
    """Run a job; return it and the peak memory of all processes of the service, in MB."""
    peak, ended = 0.0, threading.Event()

    def measure_memory() -> None:
        nonlocal peak
        while not ended.wait(0.1):
            peak = max(peak, memory_mb(family(location.pids)))

    scales = threading.Thread(target=measure_memory)
    scales.start()
    try:
        with jobs_of(location) as jobs:
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


def memory_row(location: Location, peaks: list[float]) -> Row:
    """Return the row for the service's peak memory beyond DuckDB's limit."""
    what = f"peak memory of the {location.name} service beyond DuckDB's limit"
    return Row(what, [max(each, 0.0) for each in peaks], "MB", targets=(Target("worst", 300),))


def to_s3(bench: Bench, location: Location, sql: str, rounds: int) -> list[Row]:
    """Alternately run jobs with results on S3 and upload the same bytes by boto3."""
    seaweed, file = bench.servers().seaweed, bench.fresh_folder("upload") / "result.arrow"
    ours, plain, peaks = [], [], []
    for _ in range(rounds):
        job, peak = run_with_peak_memory(location, sql)
        with jobs_of(location) as jobs:
            file.write_bytes(jobs.result(job).content)
        size = job["result"]["bytes"] / 1e6
        peaks.append(peak - MEMORY_BYTES / 1e6)
        ours.append(size / seconds_of(job))
        plain.append(size / time_upload(seaweed, file))
        with jobs_of(location) as jobs:
            jobs.http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"})
    beside = "boto3: `upload_file` of the finished file"
    return [
        Row("a job, query and upload to S3", ours, "MB/s", beside, (Target("ratio", 0.7, "higher"),)),
        Row(beside, plain, "MB/s"),
        memory_row(location, peaks),
    ]


def time_upload(seaweed: Any, file: Path) -> float:
    """Upload a file by boto3; return the seconds."""
    client = seaweed.client()
    began = time.perf_counter()
    client.upload_file(str(file), seaweed.bucket, "plain")
    elapsed = time.perf_counter() - began
    client.delete_object(Bucket=seaweed.bucket, Key="plain")
    return elapsed
