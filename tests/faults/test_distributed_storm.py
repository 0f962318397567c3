"""API and workers on PostgreSQL, Redis or RabbitMQ, and S3, with every part of it failing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from syndb_service.results import open_results
from syndb_service.store import Database
from tests.support.distributed import command_line
from tests.support.faults.cluster import gone
from tests.support.faults.final_check import Report, nothing_left, read_events, settle
from tests.support.faults.storm import SETTINGS, rage
from tests.support.faults.storm_jobs import User
from tests.support.live_service import isolated_environment
from tests.support.servers.postgres import Postgres, running_postgres
from tests.support.servers.rabbitmq import Rabbitmq, running_rabbitmq
from tests.support.servers.redis import Redis, running_redis
from tests.support.servers.seaweed import Seaweed, running_seaweed
from tests.support.servers.server import descendants, free_port

CLI = [sys.executable, "-m", "syndb_service"]


class Cluster:
    """One API command and one worker command, two processes each, on real servers."""

    def __init__(self, folder: Path, postgres: Postgres, broker: Redis | Rabbitmq, store: Seaweed) -> None:
        self.folder, self.postgres, self.broker, self.store = folder, postgres, broker, store
        self.database_url = postgres.make_database(f"storm_{os.urandom(4).hex()}")
        self.results_url = f"s3://{store.bucket}/results-{os.urandom(4).hex()}"
        self.port = free_port()
        self.environment = isolated_environment(
            folder,
            **SETTINGS,
            **store.keys.environment(),
            SYNDB_DATABASE_URL=self.database_url,
            SYNDB_BROKER_URL=broker.url,
            SYNDB_RESULTS_URL=self.results_url,
            SYNDB_WAREHOUSE_URL=f"s3://{store.bucket}/warehouse",
            SYNDB_S3_ENDPOINT_URL=store.endpoint,
            SYNDB_WAIT_S="60",
        )
        self.api = self.start("api", "--port", str(self.port), "--processes", "2")
        self.worker = self.start("worker", "--processes", "2")

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [*CLI, *words, "--data-dir", str(self.folder / "data"), "--verbose"]
        with (self.folder / f"{words[0]}.log").open("a") as log:
            process = subprocess.Popen(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert process.stdout is not None
        assert any(line.startswith("READY") for line in process.stdout), f"{words} did not start"
        return process

    def command(self, *words: str) -> str:
        command = [*CLI, *words, "--data-dir", str(self.folder / "data")]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def user(self, name: str) -> User:
        headers = {"Authorization": f"Bearer {self.command('token', 'create', '--user', name, '--academic')}"}
        return User(
            lambda: httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=120)
        )

    def kill_child(self, chance: random.Random) -> None:
        self._kill(chance, self.worker, "syndb_service.isolation.fork_server")

    def kill_worker_process(self, chance: random.Random) -> None:
        self._kill(chance, self.worker, "syndb_service.server.worker_process")

    def kill_api_process(self, chance: random.Random) -> None:
        self._kill(chance, self.api, "syndb_service.server.api_process")

    def kill_worker_tree(self, _chance: random.Random) -> None:
        below = descendants(self.worker.pid)
        self.worker.kill()
        self.worker.wait()
        gone(below)
        self.worker = self.start("worker", "--processes", "2")

    def pause_worker_process(self, chance: random.Random) -> None:
        for pid in self._of(self.worker, "syndb_service.server.worker_process")[:1]:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(chance.choice([0.5, 4.5]))
            os.kill(pid, signal.SIGCONT)

    def kill_broker(self, chance: random.Random) -> None:
        self.broker.kill()
        time.sleep(chance.uniform(0, 2))
        self.broker.start()

    def wipe_broker(self, _chance: random.Random) -> None:
        self.broker.wipe()

    def cut_database(self, _chance: random.Random) -> None:
        self.postgres.cut_connections()

    def kill_database(self, chance: random.Random) -> None:
        self.postgres.kill()
        time.sleep(chance.uniform(0, 4))
        self.postgres.start()

    def kill_store(self, chance: random.Random) -> None:
        self.store.kill()
        time.sleep(chance.uniform(0, 2))
        self.store.start()

    def faults(self) -> dict[str, Callable[[random.Random], None]]:
        return {
            "child killed": self.kill_child,
            "worker killed": self.kill_worker_process,
            "worker tree killed": self.kill_worker_tree,
            "worker paused": self.pause_worker_process,
            "API killed": self.kill_api_process,
            "broker killed": self.kill_broker,
            "broker wiped": self.wipe_broker,
            "connections cut": self.cut_database,
            "database killed": self.kill_database,
            "store killed": self.kill_store,
        }

    def end(self) -> None:
        """End both commands; none of their processes may be left."""
        below = descendants(self.api.pid) + descendants(self.worker.pid)
        for process in (self.api, self.worker):
            process.terminate()
        for process in (self.api, self.worker):
            process.communicate(timeout=120)
        gone(below)

    def _of(self, command: subprocess.Popen[str], module: str) -> list[int]:
        return [pid for pid in descendants(command.pid) if module in command_line(pid).split("\0")]

    def _kill(self, chance: random.Random, command: subprocess.Popen[str], module: str) -> None:
        pids = self._of(command, module)
        if pids:
            try:
                os.kill(chance.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                return


@contextmanager
def _broker(kind: str, folder: Path) -> Iterator[Redis | Rabbitmq]:
    with running_redis(folder) if kind == "redis" else running_rabbitmq(folder) as broker:
        yield broker


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_nothing_is_lost_and_nothing_is_stuck(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    report = Report(f"PostgreSQL, {kind}, S3", int(os.environ.get("SYNDB_STORM_SEED", "2011")))
    folders = [tmp_path / name for name in ("broker", "store", "service")]
    for folder in folders:
        folder.mkdir()
    with (
        running_postgres() as postgres,
        _broker(kind, folders[0]) as broker,
        running_seaweed(folders[1]) as store,
    ):
        for name, value in store.keys.environment().items():
            monkeypatch.setenv(name, value)
        cluster = Cluster(folders[2], postgres, broker, store)
        request.addfinalizer(lambda: cluster.api.kill())
        request.addfinalizer(lambda: cluster.worker.kill())
        cluster.command("dataset", "add", str(_bundled()))
        users = [cluster.user(name) for name in ("ada", "bob", "eve")]
        rage(report, users, cluster.faults())
        settle(users, report)
        database = Database(cluster.database_url)
        read_events(database, report)
        nothing_left(database, open_results(cluster.results_url, store.endpoint), folders[2] / "data" / "tmp")
        database.close()
        cluster.end()
    print("\n" + report.row())
    assert (report.lost, report.doubled, report.wrong) == ([], [], [])


def _bundled() -> Path:
    import syndb_service

    return Path(syndb_service.__file__).parent / "bundled" / "celegans_varshney_2011"
