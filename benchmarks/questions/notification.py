"""3. Notification: from the commit of a change to the client, with 200 waiting clients."""

from __future__ import annotations

import json
import random
import time
from typing import Final

from benchmarks.locations import SKIPPED, USER, Bench, Location, jobs_of
from benchmarks.processes import family, start_role, threads
from benchmarks.statistics import Answer, Row, Target
from syndb_service.store import Database, JobStore
from tests.support.servers.postgres import Postgres

TITLE: Final = "3. Notification: 200 clients wait on one API process, 100 by long poll and 100 on events"
PAUSES_S: Final = (0.02, 0.08)
STATISTICS_S: Final = 12
"""Seconds after which PostgreSQL's statistics include the work of idle connections (10 s at most)."""


def answer(bench: Bench) -> Answer:
    """Change jobs in another process than the API's, as a worker does."""
    answer = Answer(TITLE)
    try:
        with bench.distributed(worker=False) as location:
            answer.rows += measure_waiting(bench, location, bench.many(200, 12), bench.many(300, 12))
    except SKIPPED as missing:
        answer.missing.append(f"PostgreSQL, Redis, S3: {missing}")
        return answer
    answer.notes.append(
        "200 pending jobs, and no worker. Another process commits a change of one row every 20 to 80 ms,"
        " with nothing else to tell the API. Reads are PostgreSQL's own count of transactions in the "
        "database while nothing changes; threads are those of the API process with all waiting, beyond "
        "those it had with nobody."
    )
    return answer


def measure_waiting(bench: Bench, location: Location, clients: int, changes: int) -> list[Row]:
    """Measure the delay of the clients, and the database reads and threads while they wait."""
    api_pid = next(pid for pid in family(location.pids) if pid not in location.pids)
    with jobs_of(location) as jobs:
        job_ids = [jobs.submit("SELECT 1")["job_id"] for _ in range(clients)]
    before = threads(api_pid)
    database = Database(location.environment["SYNDB_DATABASE_URL"])
    with start_role(
        "listeners", location.environment, url=location.url, token=location.token, job_ids=job_ids
    ) as role:
        assert role.stdout is not None
        if role.stdout.readline().strip() != "READY":
            raise RuntimeError("the clients did not start to wait")
        time.sleep(bench.many(STATISTICS_S, 1))
        reads = read_rate(bench.servers().postgres, location, bench.many(10, 2))
        more = threads(api_pid) - before
        committed = change(JobStore(database, lambda _: None), job_ids, changes)
        time.sleep(2)
        known = json.loads(role.communicate("\n", timeout=60)[0])
    database.close()
    late = [1000 * (known[job_id][version] - time_s) for job_id, version, time_s in committed]
    return [
        Row("from the commit in another process to the client", late, targets=(Target("p95", 100),)),
        Row("database reads while all wait", [reads], "a second", targets=(Target("worst", 20),)),
        Row("further threads while all wait", [float(more)], "", targets=(Target("worst", clients / 10),)),
    ]


def change(store: JobStore, job_ids: list[str], changes: int) -> list[tuple[str, str, float]]:
    """Change jobs one after the other; return the job, new version and time after each commit."""
    committed = []
    for number in range(changes):
        job_id = job_ids[number % len(job_ids)]
        job, _ = store.retention.change(job_id, USER, {"label": f"change {number}"})
        committed.append((job_id, str(job.version), time.monotonic()))
        time.sleep(random.uniform(*PAUSES_S))
    return committed


def read_rate(postgres: Postgres, location: Location, seconds: float) -> float:
    """Return the transactions per second of the service's database."""

    def count() -> int:
        name = location.environment["SYNDB_DATABASE_URL"].rpartition("/")[2]
        with postgres.connect() as connection:
            query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
            row = connection.execute(query, (name,)).fetchone()
        assert row is not None
        return int(str(row[0]))

    before, began = count(), time.monotonic()
    time.sleep(seconds)
    return (count() - before) / (time.monotonic() - began)
