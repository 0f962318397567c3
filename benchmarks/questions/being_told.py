"""3. Being told: from the commit of a change to the client's knowing it, with 200 clients waiting."""

from __future__ import annotations

import json
import random
import time
from typing import Final

from benchmarks.figures import Answer, Row, Target
from benchmarks.places import SKIPPED, USER, Bench, Place, jobs_of
from benchmarks.processes import family, start_role, threads
from syndb_service.store import Database, JobStore
from tests.support.servers.postgres import Postgres

TITLE: Final = "3. Being told: 200 clients wait on one API process, 100 by long poll and 100 on events"
PAUSES_S: Final = (0.02, 0.08)
STATISTICS_S: Final = 12
"""PostgreSQL counts what a connection did up to 10 s after it fell idle."""


def answer(bench: Bench) -> Answer:
    """Change jobs from another process than the one that is asked, as a worker does."""
    answer = Answer(TITLE)
    try:
        with bench.distributed(worker=False) as place:
            answer.rows += waiting(bench, place, bench.many(200, 12), bench.many(300, 12))
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


def waiting(bench: Bench, place: Place, clients: int, changes: int) -> list[Row]:
    """Measure how late the clients know, what their waiting costs the database, and the threads."""
    api_pid = next(pid for pid in family(place.pids) if pid not in place.pids)
    with jobs_of(place) as jobs:
        job_ids = [jobs.submit("SELECT 1")["job_id"] for _ in range(clients)]
    before = threads(api_pid)
    database = Database(place.environment["SYNDB_DATABASE_URL"])
    with start_role(
        "listeners", place.environment, url=place.url, token=place.token, job_ids=job_ids
    ) as role:
        assert role.stdout is not None
        if role.stdout.readline().strip() != "READY":
            raise RuntimeError("the clients did not come to wait")
        time.sleep(bench.many(STATISTICS_S, 1))
        reads = read_rate(bench.servers().postgres, place, bench.many(10, 2))
        more = threads(api_pid) - before
        committed = change(JobStore(database, lambda _: None), job_ids, changes)
        time.sleep(2)
        known = json.loads(role.communicate("\n", timeout=60)[0])
    database.close()
    late = [1000 * (known[job_id][version] - at) for job_id, version, at in committed]
    return [
        Row("from the commit in another process to the client", late, targets=(Target("p95", 100),)),
        Row("database reads while all wait", [reads], "a second", targets=(Target("worst", 20),)),
        Row("further threads while all wait", [float(more)], "", targets=(Target("worst", clients / 10),)),
    ]


def change(store: JobStore, job_ids: list[str], changes: int) -> list[tuple[str, str, float]]:
    """Change jobs one after the other; return job, new version and the moment after the commit."""
    committed = []
    for number in range(changes):
        job_id = job_ids[number % len(job_ids)]
        job, _ = store.retention.change(job_id, USER, {"label": f"change {number}"})
        committed.append((job_id, str(job.version), time.monotonic()))
        time.sleep(random.uniform(*PAUSES_S))
    return committed


def read_rate(postgres: Postgres, place: Place, seconds: float) -> float:
    """Return the transactions a second that the place's database sees."""

    def count() -> int:
        name = place.environment["SYNDB_DATABASE_URL"].rpartition("/")[2]
        with postgres.connect() as connection:
            query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
            row = connection.execute(query, (name,)).fetchone()
        assert row is not None
        return int(str(row[0]))

    before, began = count(), time.monotonic()
    time.sleep(seconds)
    return (count() - before) / (time.monotonic() - began)
