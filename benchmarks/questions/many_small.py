"""2. Many small queries: jobs per second, and the time of each stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.locations import SKIPPED, Bench, Location, jobs_of
from benchmarks.processes import ROOT, run_role
from benchmarks.queries import STRONGEST, WORM, files
from benchmarks.statistics import Answer, Row, Target

TITLE: Final = "2. Many small queries: 8 clients submit 25 each and collect the results"
CLIENTS: Final = 8
THREADS: Final = 4
ACTOR: Final = "a bare Dramatiq actor on the same Redis"
STAGES: Final = {
    "http": "alone: HTTP, token, SQL checked, row committed",
    "hint": "alone: through the broker, from the row's insert to its claim",
    "claim": "alone: row claimed",
    "prepare": "alone: files, temporary folder, writer",
    "fork": "alone: a child in hand",
    "engine": "alone: engine, from the task to the child's end",
    "beat": "alone: row still ours, not cancelled",
    "result": "alone: result whole and durable",
    "commit": "alone: row completed",
}


def answer(bench: Bench) -> Answer:
    """Run the same queries alternately with the service and with a bare actor."""
    answer = Answer(TITLE)
    rounds, jobs_per_client = bench.many(5, 1), bench.many(25, 3)
    with bench.embedded(SYNDB_LOG_FORMAT="json") as location:
        ours = [throughput(location, jobs_per_client, turn) for turn in range(rounds)]
    embedded = Row("embedded", ours, "jobs/s", targets=(Target("median", 25, "higher"),))
    answer.rows.append(embedded)
    try:
        with (
            bench.distributed(settings={"SYNDB_LOG_FORMAT": "json"}) as location,
            bare_actor(bench, location) as environment,
        ):
            ours, bare = [], []
            for turn in range(rounds):
                ours.append(throughput(location, jobs_per_client, turn))
                seconds = run_role(
                    "bare_clients", environment, queries=queries(location, jobs_per_client, turn)
                )["seconds"]
                bare.append(CLIENTS * jobs_per_client / seconds)
            stages = stage_rows(location, bench.many(40, 2))
        answer.rows += [
            Row("distributed", ours, "jobs/s", ACTOR, (Target("median", 25, "higher"),)),
            Row(ACTOR, bare, "jobs/s"),
            *stages,
        ]
    except SKIPPED as missing:
        answer.missing.append(f"distributed, and the bare actor: {missing}")
    answer.notes.append(
        f"{THREADS} jobs at a time; ours with a child process each, the actor's in threads of one process, "
        "without rows, leases, limits or checks. The rows “alone” are the way of one job at a time through "
        "the distributed service, from its rows and its log."
    )
    return answer


def queries(location: Location, jobs_per_client: int, turn: int) -> list[list[str]]:
    """Return each client's queries, all of them different."""
    with jobs_of(location) as jobs:
        dataset = jobs.dataset_id(WORM)
    return [
        [
            STRONGEST.format(
                dataset=dataset,
                limit=50 + turn * CLIENTS * jobs_per_client + client * jobs_per_client + number,
            )
            for number in range(jobs_per_client)
        ]
        for client in range(CLIENTS)
    ]


def throughput(location: Location, jobs_per_client: int, turn: int) -> float:
    """Return the jobs per second of one round."""
    took = run_role(
        "clients",
        location.environment,
        url=location.url,
        token=location.token,
        queries=queries(location, jobs_per_client, turn),
    )
    return float(CLIENTS * jobs_per_client / took["seconds"])


@contextmanager
def bare_actor(bench: Bench, location: Location) -> Iterator[dict[str, str]]:
    """Run Dramatiq's own worker next to the service; yield the environment of its clients."""
    folder = bench.fresh_folder("bare")
    with jobs_of(location) as jobs:
        dataset = jobs.dataset_id(WORM)
    environment = location.environment | {
        "BENCH_REDIS_URL": bench.servers().redis.url_of(0),
        "BENCH_PATHS": json.dumps(files(location.data_dir, "synapses", dataset)),
        "BENCH_RESULTS": str(folder),
        "PYTHONPATH": os.pathsep.join([str(ROOT)]),
    }
    command = [sys.executable, "-m", "dramatiq", "benchmarks.roles.bare_actor", "--processes", "1"]
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [*command, "--threads", str(THREADS), "--skip-logging"],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            run_role("bare_clients", environment, queries=queries(location, 1, 0))
            yield environment
        finally:
            worker.terminate()
            worker.wait(30)


def stage_rows(location: Location, times: int) -> list[Row]:
    """Run jobs one at a time; read the time of each stage from their rows and the service's logs."""
    with jobs_of(location) as jobs:
        sql = queries(location, times, 99)[0]
        done = {job["job_id"]: job for job in (jobs.run(query) for query in sql)}
    took: dict[str, list[float]] = {what: [] for what in STAGES}
    for job in done.values():
        waited = datetime.fromisoformat(job["started_at"]) - datetime.fromisoformat(job["created_at"])
        took["hint"].append(1000 * waited.total_seconds())
    for line in [*records(location.log.parent / "api.log"), *records(location.log.parent / "worker.log")]:
        if line.get("job_id") not in done:
            continue
        if line.get("method") == "POST" and line.get("route") == "/v1/jobs":
            took["http"].append(1000 * line["seconds"])
        for stage, seconds in line.get("stages", {}).items():
            took[stage].append(1000 * seconds)
    return [Row(STAGES[stage], samples) for stage, samples in took.items() if samples]


def records(log: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSON log."""
    for line in log.read_text().splitlines():
        if line.startswith("{"):
            yield json.loads(line)
