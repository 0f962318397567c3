"""What users do with a service, and what goes wrong around it; each errand ends with what it made."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx
import psutil
import pytest

import syndb_lab
from syndb_lab import Job, Lab
from tests.support.live_service import Live

ENDLESS: Final = "SELECT count(*) FROM range(3000000000) a WHERE hash(range) % 7 = {}"
DATASET: Final = "celegans_varshney_2011"
WAIT_S: Final = 180
TOGETHER: Final = 12
REFUSING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an errand is done."""

    live: Live
    lab: Lab
    http: httpx.Client
    chance: random.Random

    def query(self, **options: Any) -> tuple[Job, int]:
        """Submit a small query of our own; return it with its number of rows."""
        rows = self.chance.randrange(1, 3000)
        form = self.chance.choice(["arrow", "parquet", "csv"])
        sql = f"SELECT range AS n, md5((range + {self.chance.random()})::VARCHAR) AS m FROM range({rows})"
        return self.lab.sql(sql, **({"format": form} | options)), rows

    def endless(self) -> Job:
        """Submit a query that runs until it is stopped."""
        return self.lab.sql(ENDLESS.format(self.chance.random()))


def small_query(place: Place) -> int:
    job, rows = place.query(label="a\u2028b")
    assert job.to_polars().height == rows
    job.purge()
    return 1


def large_query(place: Place) -> int:
    job = place.lab.sql("SELECT range AS n, md5(range::VARCHAR) AS m FROM range(150000)")
    assert job.to_lazy().select("n").tail(1).collect().item() == 149_999
    assert job.to_arrow().num_rows == 150_000
    job.purge()
    return 1


def graph(place: Place) -> int:
    job = place.lab.graph(DATASET, "hubs", node_table=True)
    assert job.answer()["neuron_count"] == 279
    assert job.to_polars(part="neurons").height == 279
    job.purge()
    return 1


def failing(place: Place) -> int:
    sql = place.chance.choice(["SELECT error('no')", "SELECT CAST(md5(range::VARCHAR) AS INT) FROM range(9)"])
    with pytest.raises(syndb_lab.JobFailed):
        place.lab.sql(sql).to_polars()
    return 1


def over_its_time(place: Place) -> int:
    job = place.lab.sql(ENDLESS.format(place.chance.random()), time_limit_s=0.3).wait(timeout=WAIT_S)
    assert job.record["reason"] == "time_limit", job.record
    return 1


def cancelled(place: Place) -> int:
    job = place.endless()
    if place.chance.random() < 0.5:
        running(job)
    job.cancel()
    assert job.wait(timeout=WAIT_S).status == "cancelled"
    return 1


def rerun_and_reused(place: Place) -> int:
    job, rows = place.query()
    again = job.wait(timeout=WAIT_S).rerun()
    assert again.to_arrow().num_rows == rows
    body = {"query": job.query, "format": job.record["format"], "reuse": True}
    reused = Job(place.lab._transport, place.lab._transport.post("/v1/jobs", body)).wait(timeout=WAIT_S)
    assert reused.record["result"]["rows"] == rows
    for one in (job, again, reused):
        one.purge()
    return 3


def result_queried(place: Place) -> int:
    job, rows = place.query(format=place.chance.choice(["arrow", "parquet"]))
    job.wait(timeout=WAIT_S)
    counted = place.lab.sql("SELECT count(*) AS n FROM {{source}}", jobs={"source": job})
    assert counted.to_polars().item() == rows
    job.purge()
    counted.purge()
    return 2


def waits_that_time_out(place: Place) -> int:
    job = place.endless()
    for _ in range(5):
        with pytest.raises(syndb_lab.WaitTimeout):
            job.wait(timeout=place.chance.choice([0, 0.01, 0.05]), progress=False)

    async def give_up() -> None:
        async with asyncio.timeout(0.05):
            await asyncio.gather(*(Job(place.lab._transport, job.record) for _ in range(20)))

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    job.cancel()
    return 1


def awaited_together(place: Place) -> int:
    async def all_of_them() -> list[Job]:
        return list(await asyncio.gather(*(place.query()[0] for _ in range(TOGETHER))))

    for job in asyncio.run(all_of_them()):
        assert job.status == "completed", job.record
        job.purge()
    return TOGETHER


def cut_download(place: Place) -> int:
    job = place.lab.sql("SELECT range AS n, md5(range::VARCHAR) AS m FROM range(100000)").wait(timeout=WAIT_S)
    for _ in range(3):
        with place.http.stream("GET", f"/v1/jobs/{job.id}/result") as answer:
            next(answer.iter_bytes(1024))
    job.purge()
    return 1


def dropped_streams(place: Place) -> int:
    job = place.endless()
    for path in (f"/v1/jobs/{job.id}/events", f"/v1/jobs/events?job={job.id}") * 2:
        with place.http.stream("GET", path) as answer:
            next(answer.iter_bytes())
    with pytest.raises(httpx.TimeoutException):
        place.http.get(f"/v1/jobs/{job.id}", params={"wait": 30, "version": 99}, timeout=0.05)
    job.cancel()
    return 1


def expired(place: Place) -> int:
    job, _ = place.query()
    job.wait(timeout=WAIT_S).keep(hours=1 / 3600)
    return 1


def previewed(place: Place) -> int:
    job, rows = place.query(format="arrow")
    job.wait(timeout=WAIT_S)
    assert job.preview().num_rows == min(rows, 100)
    job.purge()
    return 1


def scraped(place: Place) -> int:
    for path in ("/metrics", "/health/ready", "/v1/jobs?limit=20", "/v1/datasets"):
        place.http.get(path)
    with pytest.raises(syndb_lab.QueryError):
        place.lab.sql("SELECT nope FROM neurons")
    return 0


def child_killed(place: Place) -> int:
    job, rows = place.query(format="arrow")
    for process in children(place)[-1:]:
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            os.kill(process.pid, place.chance.choice([signal.SIGKILL, signal.SIGSEGV]))
    assert job.to_polars().height == rows
    job.purge()
    return 1


def fork_refused(place: Place) -> int:
    """The fork server may open no more files for a moment: what is submitted then runs later."""
    server = fork_server(place)
    if server is None or not REFUSING.acquire(blocking=False):
        return 0
    before = server.rlimit(psutil.RLIMIT_NOFILE)
    try:
        server.rlimit(psutil.RLIMIT_NOFILE, (3, before[1]))
        jobs = [place.query(format="arrow")[0] for _ in range(2)]
        time.sleep(0.3)
    finally:
        server.rlimit(psutil.RLIMIT_NOFILE, before)
        REFUSING.release()
    for job in jobs:
        assert job.wait(timeout=WAIT_S).status == "completed", job.record
        job.purge()
    return 2


def running(job: Job) -> None:
    """Wait until a job runs, or has ended."""
    over = time.monotonic() + WAIT_S
    while job.refresh().status == "pending" and time.monotonic() < over:
        time.sleep(0.02)


def fork_server(place: Place) -> psutil.Process | None:
    """Return the process that forks the service's children."""
    return next(iter(psutil.Process(place.live.process.pid).children()), None)


def children(place: Place) -> list[psutil.Process]:
    """Return the processes that run jobs, or wait to."""
    server = fork_server(place)
    return [] if server is None else server.children()


ERRANDS: Final[dict[Callable[[Place], int], int]] = {
    small_query: 30,
    awaited_together: 12,
    rerun_and_reused: 6,
    result_queried: 6,
    previewed: 4,
    failing: 8,
    graph: 2,
    large_query: 2,
    cancelled: 5,
    waits_that_time_out: 4,
    over_its_time: 2,
    cut_download: 3,
    dropped_streams: 3,
    expired: 6,
    scraped: 4,
    child_killed: 1,
    fork_refused: 1,
}
"""How often each is done, in shares."""
