"""4. Cancel: from DELETE to the worker's free slot."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.locations import SKIPPED, Bench, Location, jobs_of, syndb_lab
from benchmarks.statistics import Answer, Row, Target
from tests.support.live_service import Jobs

TITLE: Final = "4. Cancel: from DELETE to the answer that the slot is free"
WORK: Final = {
    "a cross join": (
        "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3"
    ),
    "a sort that spills": "SELECT * FROM range(2000000000) ORDER BY hash(range) LIMIT 5 OFFSET 1000000000",
    "a regular expression": (
        "SELECT count(*) FROM range(900000000) WHERE regexp_matches(md5(range::VARCHAR), '(a|b)+c.*9')"
    ),
    "a window over 50 million rows": (
        "SELECT max(w) FROM (SELECT sum(range) OVER (ORDER BY hash(range)) AS w FROM range(50000000))"
    ),
}
GRAPH: Final = "a graph analysis"
TARGETS: Final = (Target("p95", 300),)
RUNS_S: Final = 0.7
MEMORY: Final = {"SYNDB_JOB_MEMORY_BYTES": str(1024**3)}


def answer(bench: Bench) -> Answer:
    """Cancel each kind of work several times, on the embedded and on the distributed service."""
    answer = Answer(TITLE)
    times = bench.many(12, 1)
    with bench.embedded(**MEMORY) as location:
        answer.rows += measure_cancels(bench, location, times, WORK)
    try:
        with bench.distributed(settings=MEMORY) as location:
            answer.rows += measure_cancels(bench, location, times, {} if bench.quick else WORK)
    except SKIPPED as missing:
        answer.missing.append(f"distributed: {missing}")
    answer.notes.append(
        f"The work runs for {RUNS_S:g} s first. The row is final only when the job's process and its "
        "temporary files are gone, so its end is the slot's. Jobs have 1 GiB of memory here, so that "
        "the sort spills."
    )
    return answer


def measure_cancels(bench: Bench, location: Location, times: int, work: dict[str, str]) -> list[Row]:
    """Return the milliseconds from DELETE to the final record, by work."""
    took: dict[str, list[float]] = {}
    dataset = ring(bench, location)
    with jobs_of(location) as jobs:
        for _ in range(times):
            for name, query in work.items():
                took.setdefault(name, []).append(cancel(jobs, jobs.submit(query)))
            took.setdefault(GRAPH, []).append(cancel(jobs, jobs.submit_graph(dataset)))
    return [Row(f"{name}, {location.name}", samples, targets=TARGETS) for name, samples in took.items()]


def cancel(jobs: Jobs, job: dict[str, str]) -> float:
    """Let a job run for ``RUNS_S`` seconds, cancel it, and wait for its end; return the milliseconds."""
    running = jobs.until(job, "running")
    time.sleep(RUNS_S)
    began = time.perf_counter()
    record = jobs.http.delete(f"/v1/jobs/{running['job_id']}").json()
    record = jobs.until(record)
    elapsed = 1000 * (time.perf_counter() - began)
    if record["status"] != "cancelled":
        raise RuntimeError(f"{record['query']} ended as {record['status']} before it was cancelled")
    return elapsed


def ring(bench: Bench, location: Location) -> str:
    """Add a graph with slow shortest paths: a ring of neurons, each connected to the next."""
    folder: Path = bench.fresh_folder("ring")
    (folder / "dataset.toml").write_text(f'name = "{folder.name}"\ntitle = "A long ring"\nspecies = "none"\n')
    query = "SELECT range + 1 AS pre, (range + 1) % 200000 + 1 AS post, 1 AS synapses FROM range(200000)"
    duckdb.execute(f"COPY ({query}) TO '{folder / 'connections.csv'}' (HEADER)")
    try:
        return syndb_lab(location.environment, location.data_dir, "dataset", "add", str(folder))
    except subprocess.CalledProcessError as error:
        raise RuntimeError("the ring could not be added") from error
