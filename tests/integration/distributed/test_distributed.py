"""API ×2 and workers ×2 on PostgreSQL with Redis, and with RabbitMQ."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from tests.support.distributed import Distributed, running, running_distributed
from tests.support.live_service import Jobs, isolated_environment
from tests.support.servers.broker import BrokerServer
from tests.support.servers.postgres import Postgres
from tests.support.servers.redis import Redis
from tests.support.servers.server import descendants, state
from tests.support.waiting import WAIT_S, wait_until

ENDLESS = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3"
SETTINGS = {"SYNDB_LEASE_S": "3", "SYNDB_SWEEP_S": "0.5", "SYNDB_HINT_S": "2", "JOB_QUEUE_MAX_WORKERS": "2"}


@contextmanager
def service_on(folder: Path, postgres: Postgres, broker_url: str) -> Iterator[Distributed]:
    """Run a service on a database of its own."""
    name = f"syndb_{os.urandom(6).hex()}"
    environment = isolated_environment(
        folder, SYNDB_DATABASE_URL=postgres.make_database(name), SYNDB_BROKER_URL=broker_url, **SETTINGS
    )
    try:
        with running_distributed(folder, environment) as service:
            yield service
    finally:
        postgres.drop_database(name)


@pytest.fixture(scope="module", params=["redis_server", "rabbitmq"])
def broker_server(request: pytest.FixtureRequest) -> BrokerServer:
    """Return each broker in turn."""
    return BrokerServer(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, broker_server: BrokerServer
) -> Iterator[Distributed]:
    """Run a service that tests share; they may kill its processes, not its commands."""
    with service_on(tmp_path_factory.mktemp("shared"), postgres, broker_server.url) as shared:
        yield shared


@pytest.fixture
def own_service(tmp_path: Path, postgres: Postgres, redis_server: Redis) -> Iterator[Distributed]:
    """Run a service whose commands the test may kill."""
    with service_on(tmp_path, postgres, redis_server.url_of(1)) as own:
        yield own


@pytest.fixture
def jobs(service: Distributed) -> Iterator[Jobs]:
    with service.jobs() as jobs:
        yield jobs


def answer(jobs: Jobs, job: dict[str, object]) -> list[object]:
    done = jobs.until(job)
    assert done["status"] == "completed", done
    return pa.ipc.open_file(jobs.result(done).content).read_all()["n"].to_pylist()


def test_jobs_run_to_their_end(jobs: Jobs) -> None:
    submitted = [jobs.submit(f"SELECT {number} AS n") for number in range(30)]
    assert [answer(jobs, job) for job in submitted] == [[number] for number in range(30)]
    ready = jobs.http.get("/health/ready")
    assert ready.status_code in (200, 404), ready.text


def test_a_job_is_cancelled_from_another_process(jobs: Jobs) -> None:
    job = jobs.until(jobs.submit(ENDLESS), "running")
    assert jobs.http.delete(f"/v1/jobs/{job['job_id']}").status_code == 200
    assert jobs.until(job)["status"] == "cancelled"


def test_killed_workers_are_followed_by_others_which_run_their_jobs(service: Distributed, jobs: Jobs) -> None:
    job = jobs.until(jobs.submit(ENDLESS), "running")
    before = service.worker.processes()
    assert len(before) == 2
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(service.worker.processes()) - set(before)) == 2)
    assert answer(jobs, jobs.submit("SELECT 7 AS n")) == [7]
    wait_until(lambda: bool(jobs.get(job["job_id"])["attempt"] >= 2))
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    assert jobs.until(jobs.get(job["job_id"]))["status"] == "cancelled"


def test_a_killed_api_process_is_followed_by_another(service: Distributed, jobs: Jobs) -> None:
    before = service.api.processes()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(set(service.api.processes()) - set(before)) == 1)
    with service.jobs() as fresh:
        assert answer(fresh, fresh.submit("SELECT 1 AS n")) == [1]


def test_jobs_are_kept_while_the_broker_is_away(
    jobs: Jobs, broker_server: BrokerServer, service: Distributed
) -> None:
    assert answer(jobs, jobs.submit("SELECT 0 AS n")) == [0]
    broker_server.server.kill()
    kept = [jobs.submit(f"SELECT {number} AS n") for number in range(5)]
    assert jobs.get(kept[0]["job_id"])["status"] in ("pending", "running", "completed")
    broker_server.server.start()
    assert [answer(jobs, job) for job in kept] == [[number] for number in range(5)]
    assert "not-for-logs" not in service.api.logged() + service.worker.logged()


def test_a_wiped_broker_loses_no_job(jobs: Jobs, broker_server: BrokerServer) -> None:
    kept = [jobs.submit(f"SELECT {number} AS n") for number in range(20)]
    broker_server.wipe()
    assert [answer(jobs, job) for job in kept] == [[number] for number in range(20)]


def test_an_api_process_imports_no_engine(service: Distributed) -> None:
    for pid in service.api.processes():
        maps = Path(f"/proc/{pid}/maps").read_text()
        assert not [name for name in ("duckdb", "pyarrow", "numpy") if f"/{name}" in maps]


def test_workers_that_are_asked_to_end_give_their_jobs_back(own_service: Distributed) -> None:
    with own_service.jobs() as jobs:
        job = jobs.until(jobs.submit(ENDLESS), "running")
        worker = own_service.worker.process
        pids = descendants(worker.pid)
        worker.terminate()
        assert worker.wait(WAIT_S) == 0
        returned = jobs.get(job["job_id"])
        assert (returned["status"], returned["attempt"]) == ("pending", 1)
        wait_until(lambda: {state(pid) for pid in pids} <= {"", "Z"})


def test_without_any_worker_a_waiting_job_and_readiness_say_so(
    own_service: Distributed, tmp_path: Path
) -> None:
    with own_service.jobs() as jobs:
        watched = jobs.until(jobs.submit(ENDLESS), "running")
        assert httpx.get(f"{own_service.url}/health/ready", timeout=120).json()["parts"]["workers"]["ok"]
        own_service.worker.process.kill()
        wait_until(lambda: own_service.worker.process.poll() is not None)
        wait_until(lambda: not own_service.worker.processes())
        seen = first = jobs.submit("SELECT 1 AS n")
        while not (seen["progress"]["phase"] or "").startswith("waiting: no worker is running (last report "):
            assert seen["status"] == "pending"
            seen = jobs.http.get(
                f"/v1/jobs/{first['job_id']}", params={"wait": 30, "version": seen["version"]}
            ).json()
        later = jobs.submit("SELECT 2 AS n")
        wait_until(lambda: jobs.get(later["job_id"])["progress"]["phase"].startswith("waiting: no worker"))
        ready = httpx.get(f"{own_service.url}/health/ready", timeout=120)
        assert (ready.status_code, ready.json()["ready"]) == (200, True), "jobs are taken"
        assert not ready.json()["parts"]["workers"]["ok"]
        assert "no worker has reported for" in ready.json()["parts"]["workers"]["why"]
        jobs.http.delete(f"/v1/jobs/{watched['job_id']}")
        with running(tmp_path, own_service.environment, "worker"):
            assert answer(jobs, first) == [1]
            assert answer(jobs, later) == [2]


@pytest.mark.parametrize("part", ["worker", "api"])
def test_a_killed_command_leaves_no_process(own_service: Distributed, part: str) -> None:
    with own_service.jobs() as jobs:
        jobs.until(jobs.submit(ENDLESS), "running")
    command = getattr(own_service, part)
    pids = descendants(command.process.pid)
    assert len(pids) > 2
    command.process.kill()
    command.process.wait()
    wait_until(lambda: {state(pid) for pid in pids} <= {"", "Z"})


@pytest.mark.parametrize(
    ("command", "broker", "told"),
    [
        ("api", "embedded", "needs a broker that other processes reach"),
        ("worker", "embedded", "needs a broker that other processes reach"),
        ("worker", "redis://:not-for-logs@127.0.0.1:1/0", "Redis at 127.0.0.1:1 (Connection refused)"),
        (
            "worker",
            "amqp://someone:not-for-logs@127.0.0.1:1",
            "RabbitMQ at 127.0.0.1:1 (Connection refused)",
        ),
        ("api", "redis://:not-for-logs@127.0.0.1:1/first", "its database must be a number"),
        ("worker", "https://someone:not-for-logs@broker", "none of the allowed forms"),
    ],
)
def test_a_broker_that_is_wrong_is_named_at_start(
    tmp_path: Path, command: str, broker: str, told: str
) -> None:
    words = [command, "--data-dir", str(tmp_path / "data"), "--processes", "2"]
    with contextlib.suppress(FileExistsError):
        (tmp_path / "data").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "syndb_service", *words, *(["--port", "0"] if command == "api" else [])],
        env=isolated_environment(tmp_path, SYNDB_BROKER_URL=broker),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("syndb-lab: ") == 1
    assert "not-for-logs" not in done.stderr
    assert "READY" not in done.stdout
