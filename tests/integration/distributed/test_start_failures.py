"""What is said and done where a part is not there when the service starts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.distributed import Command, Distributed, starting
from tests.support.live_service import Jobs, isolated_environment
from tests.support.servers.postgres import Postgres
from tests.support.servers.redis import Redis, running_redis
from tests.support.servers.seaweed import Seaweed, running_seaweed
from tests.support.waiting import WAIT_S, wait_until

NOWHERE = "http://127.0.0.1:1"
KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "not-for-logs", "AWS_REGION": "us-east-1"}
DATABASE = {"SYNDB_DATABASE_URL": "postgresql+psycopg://syndb:not-for-logs@127.0.0.1:1/jobs"}
RESULTS = {"SYNDB_RESULTS_URL": "s3://bucket/results", "SYNDB_S3_ENDPOINT_URL": NOWHERE, **KEYS}
WAREHOUSE = {"SYNDB_WAREHOUSE_URL": "s3://bucket/warehouse", "SYNDB_S3_ENDPOINT_URL": NOWHERE, **KEYS}


def become_ready(command: Command) -> None:
    assert command.process.stdout is not None
    for line in command.process.stdout:
        if line.startswith("READY"):
            command.ready = line.strip()
            return
    pytest.fail(command.logged())


@pytest.mark.parametrize(
    ("command", "away", "told"),
    [
        ("up", DATABASE, "database is unavailable"),
        ("worker", DATABASE, "database is unavailable"),
        ("api", DATABASE, "database is unavailable"),
        ("up", RESULTS, "result store"),
        ("worker", WAREHOUSE, "warehouse"),
    ],
)
def test_a_part_that_is_not_there_is_named_and_nothing_starts(
    tmp_path: Path, command: str, away: dict[str, str], told: str
) -> None:
    settings = {"SYNDB_BROKER_URL": "redis://127.0.0.1:1/0", **away} if command != "up" else away
    words = [command] if command == "worker" else [command, "--port", "0"]
    with starting(tmp_path, isolated_environment(tmp_path, **settings), *words) as started:
        assert started.process.wait(WAIT_S) == 1
        log = started.logged()
    assert told in log
    assert log.count("syndb-lab: ") == 1, "once, however many processes there are"
    assert "SYNDB_WAIT_S" in log
    assert "Traceback" not in log
    assert "not-for-logs" not in log


@pytest.fixture
def redis_away(tmp_path: Path) -> Iterator[Redis]:
    with running_redis(tmp_path) as server:
        server.kill()
        yield server


def test_the_api_reads_and_keeps_jobs_though_the_broker_was_never_there(
    tmp_path: Path, redis_away: Redis
) -> None:
    settings = {
        "SYNDB_BROKER_URL": redis_away.url,
        "SYNDB_WAIT_S": "90",
        "SYNDB_HINT_S": "1",
        "SYNDB_SWEEP_S": "0.2",
        "SYNDB_LOG_FORMAT": "json",
    }
    environment = isolated_environment(tmp_path, **settings)
    make = [sys.executable, "-m", "syndb_service", "token", "create", "--user", "someone", "--academic"]
    token = subprocess.check_output([*make, "--data-dir", str(tmp_path / "data")], env=environment, text=True)
    with starting(tmp_path, environment, "api", "--port", "0") as api:
        become_ready(api)
        with (
            starting(tmp_path, environment, "worker") as worker,
            Distributed(api, worker, token.strip()).jobs() as jobs,
        ):
            job = jobs.submit("SELECT 7 AS n", label="kept")
            assert jobs.get(job["job_id"])["status"] == "pending"
            assert jobs.get(job["job_id"])["progress"]["phase"] == "waiting: the broker is unavailable"
            assert [each["label"] for each in jobs.http.get("/v1/jobs").json()["jobs"]] == ["kept"]
            ready = jobs.http.get("/health/ready")
            assert ready.status_code == 503
            away = {name for name, part in ready.json()["parts"].items() if not part["ok"]}
            assert away - {"workers"} == {"broker"}, "the worker waits for the broker too"
            wait_until(lambda: "waiting up to 90 s" in worker.logged())
            redis_away.start()
            become_ready(worker)
            assert jobs.until(job)["status"] == "completed"
            wait_until(lambda: jobs.http.get("/health/ready").status_code == 200)
    lines = [json.loads(line) for each in (api, worker) for line in each.logged().splitlines()]
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)
    of_job = {line["logger"] for line in lines if line.get("job_id") == job["job_id"]}
    assert {"syndb_service.api.middleware.request_log", "syndb_service.worker.job_runner"} <= of_job
    assert [line for line in lines if line["logger"] == "uvicorn.error" and "process" in line["message"]]
    answered = [line for line in lines if line["logger"] == "syndb_service.api.middleware.request_log"]
    assert all(line["request_id"] for line in answered)
    assert "not-for-logs" not in api.logged() + worker.logged()


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


def test_it_waits_for_its_database_and_its_store(
    tmp_path: Path, postgres: Postgres, seaweed: Seaweed
) -> None:
    name = f"later_{time.monotonic_ns()}"
    settings = {
        "SYNDB_DATABASE_URL": postgres.make_database(name),
        "SYNDB_RESULTS_URL": f"s3://{seaweed.bucket}/later",
        "SYNDB_S3_ENDPOINT_URL": seaweed.endpoint,
        "SYNDB_WAIT_S": "90",
        **seaweed.keys.environment(),
    }
    postgres.stop()
    seaweed.kill()
    killed = True
    try:
        environment = isolated_environment(tmp_path, **settings)
        with starting(tmp_path, environment, "up", "--port", "0", "--no-demo-data") as up:
            wait_until(lambda: "the job database is unavailable" in up.logged())
            postgres.start()
            wait_until(lambda: "result store" in up.logged())
            seaweed.start()
            killed = False
            become_ready(up)
            token = (tmp_path / "data" / "token").read_text().strip()
            headers = {"Authorization": f"Bearer {token}"}
            url = up.ready.split()[1]
            with httpx.Client(base_url=url, headers=headers, timeout=90) as http:
                assert Jobs(http).run("SELECT 1")["status"] == "completed"
            said = up.logged().count("the job database is unavailable")
            assert said < 4, "at each change of the reason (refused, starting up), not at each try"
    finally:
        if not postgres.running:
            postgres.start()
        if killed:
            seaweed.start()
        postgres.drop_database(name)
