"""The wire where any of several processes answers: PostgreSQL, Redis, results in S3, two API processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest

from tests.support.distributed import Distributed, running_distributed
from tests.support.live_service import Jobs, isolated_environment
from tests.support.servers.postgres import Postgres
from tests.support.servers.redis import Redis
from tests.support.servers.seaweed import Seaweed, running_seaweed
from tests.support.waiting import WAIT_S, wait_until
from tests.support.wire import events, refused, samples, value

ENDLESS = "SELECT a.range AS i, md5(b.range::VARCHAR) AS h FROM range(100000000) a, range(100000000) b"


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, redis_server: Redis, seaweed: Seaweed
) -> Iterator[Distributed]:
    folder = tmp_path_factory.mktemp("wire")
    name = f"wire_{os.urandom(6).hex()}"
    environment = isolated_environment(
        folder,
        SYNDB_DATABASE_URL=postgres.make_database(name),
        SYNDB_BROKER_URL=redis_server.url_of(2),
        SYNDB_RESULTS_URL=f"s3://{seaweed.bucket}/wire-results",
        SYNDB_S3_ENDPOINT_URL=seaweed.endpoint,
        **seaweed.keys.environment(),
    )
    try:
        with running_distributed(folder, environment) as running:
            yield running
    finally:
        postgres.drop_database(name)


@pytest.fixture
def jobs(service: Distributed) -> Iterator[Jobs]:
    with service.jobs() as jobs:
        yield jobs


def fresh(service: Distributed, method: str, path: str, **options: Any) -> httpx.Response:
    """Ask over a connection of its own: any of the processes answers."""
    with service.jobs() as jobs:
        return jobs.http.request(method, path, **options)


def test_a_change_by_a_worker_wakes_whoever_waits(service: Distributed, jobs: Jobs) -> None:
    job = jobs.until(jobs.submit(ENDLESS), "running")
    url = f"/v1/jobs/{job['job_id']}"
    ends: list[tuple[str, float]] = []
    listening = threading.Barrier(13, timeout=WAIT_S)

    def listen() -> None:
        with service.jobs() as own, own.http.stream("GET", f"{url}/events") as answer:
            stream = events(answer)
            next(stream)
            listening.wait()
            last = [record for _, record in stream][-1]
            ends.append((last["status"], time.monotonic()))

    threads = [threading.Thread(target=listen) for _ in range(12)]
    for thread in threads:
        thread.start()
    listening.wait()
    final = jobs.until(jobs.http.delete(url).json())
    for thread in threads:
        thread.join(timeout=WAIT_S)
    assert [status for status, _ in ends] == ["cancelled"] * 12
    assert final["status"] == "cancelled"


def test_any_process_shows_the_preview(service: Distributed, jobs: Jobs) -> None:
    job = jobs.submit(ENDLESS)
    path = f"/v1/jobs/{job['job_id']}/preview"
    wait_until(lambda: fresh(service, "GET", path).status_code != 409)
    for _ in range(6):
        assert pa.ipc.open_file(fresh(service, "GET", path).content).read_all().num_rows == 100
    record = jobs.until(jobs.http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"}).json())
    assert record["status"] == "cancelled"
    refused(fresh(service, "GET", path), 409, "job_cancelled")


def test_a_result_in_s3_comes_whole_in_parts_and_by_redirect(service: Distributed, jobs: Jobs) -> None:
    job = jobs.run("SELECT range AS i, md5(range::VARCHAR) AS h FROM range(400000)")
    url = f"/v1/jobs/{job['job_id']}/result"
    whole = jobs.result(job).content
    assert len(whole) == job["result"]["bytes"]
    part = jobs.http.get(
        url, headers={"Range": "bytes=1000-1999", "If-Range": f'"{job["result"]["sha256"]}"'}
    )
    assert (part.status_code, part.content) == (206, whole[1000:2000])
    several = jobs.http.get(url, headers={"Range": "bytes=0-9,-10"})
    assert several.headers["Content-Type"].startswith("multipart/byteranges")
    assert whole[:10] in several.content
    refused(jobs.http.get(url, headers={"Range": "bytes=99999999-"}), 416, "range_not_satisfiable")
    assert int(jobs.http.head(url).headers["Content-Length"]) == len(whole)
    there = jobs.http.get(url, params={"redirect": "true"})
    assert there.status_code == 307
    assert there.headers["Cache-Control"] == "no-store"
    stored = httpx.get(there.headers["Location"])
    assert (stored.status_code, stored.content) == (200, whole)
    assert job["job_id"] in stored.headers["Content-Disposition"]
    looked = jobs.http.head(url, params={"redirect": "true"})
    assert looked.status_code == 200, looked.headers


def test_a_purge_destroys_the_object(service: Distributed, jobs: Jobs, seaweed: Seaweed) -> None:
    job = jobs.run("SELECT 1")
    prefix = f"wire-results/{job['job_id']}"
    assert seaweed.keys_in(prefix)
    jobs.http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"})
    assert not seaweed.keys_in(prefix)
    refused(fresh(service, "GET", f"/v1/jobs/{job['job_id']}/result"), 410, "result_expired")


def test_every_process_tells_the_same_figures(service: Distributed, jobs: Jobs) -> None:
    purged = jobs.run("SELECT 1")
    jobs.http.delete(f"/v1/jobs/{purged['job_id']}", params={"purge": "true"})
    failed = jobs.run("SELECT ('x' || range)::INTEGER FROM range(3)")
    assert failed["status"] == "failed", failed

    def ended() -> tuple[float, float]:
        with service.jobs() as own:
            found = samples(own.http)
        failures = value(found, "syndb_jobs_ended_total", reason="invalid_query")
        return failures, value(found, "syndb_results_swept_bytes_total")

    wait_until(lambda: {ended() for _ in range(6)} == {(1, swept_bytes(jobs))})
    with service.jobs() as own:
        found = samples(own.http)
    assert value(found, "syndb_job_seconds_count", stage="queued", kind="query") >= 2
    assert value(found, "syndb_job_retries_total") == 0


def swept_bytes(jobs: Jobs) -> int:
    """Add up what the records say."""
    listed = jobs.http.get("/v1/jobs", params={"limit": 500}).json()["jobs"]
    return sum(job["result"]["bytes"] for job in listed if job["reason"] == "expired")


def test_ready_names_the_part_that_is_away(
    service: Distributed, redis_server: Redis, seaweed: Seaweed
) -> None:
    def away() -> set[str]:
        parts = httpx.get(f"{service.url}/health/ready", timeout=120).json()["parts"]
        return {name for name, part in parts.items() if not part["ok"]}

    def becomes(names: set[str]) -> None:
        until = time.monotonic() + WAIT_S
        while (found := away()) != names:
            assert time.monotonic() < until, found
            time.sleep(0.05)

    becomes(set())
    seaweed.kill()
    becomes({"results"})
    told = ""
    while "results" not in told:
        answer = httpx.get(f"{service.url}/health/ready", timeout=120)
        told = answer.text if answer.status_code == 503 else ""
    assert "127.0.0.1" not in told
    seaweed.start()
    becomes(set())
    redis_server.kill()
    becomes({"broker"})
    redis_server.start()
    becomes(set())


def test_a_stored_result_in_s3_is_read_from_sql(jobs: Jobs) -> None:
    first = jobs.run("SELECT range AS id FROM range(300000)")
    second = jobs.run(
        f"SELECT count(*) AS n, max(id) AS last FROM {{{{{first['job_id']}}}}} WHERE id % 2 = 1"
    )
    assert second["status"] == "completed", second
    assert pa.ipc.open_file(jobs.result(second).content).read_all().to_pylist() == [
        {"n": 150000, "last": 299999}
    ]
