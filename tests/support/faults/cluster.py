"""API and workers on PostgreSQL, Redis or RabbitMQ, and S3, each reached by a way that may fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

import syndb_service
from syndb_service.results import ResultStore, open_results
from syndb_service.store import Database, TokenStore
from tests.support.distributed import command_line
from tests.support.faults.storm import SETTINGS
from tests.support.faults.storm_jobs import User
from tests.support.live_service import isolated_environment
from tests.support.servers.postgres import Postgres, running_postgres
from tests.support.servers.rabbitmq import Rabbitmq, running_rabbitmq
from tests.support.servers.redis import Redis, running_redis
from tests.support.servers.seaweed import Seaweed, running_seaweed
from tests.support.servers.server import descendants, free_port
from tests.support.servers.store_proxy import StoreProxy
from tests.support.servers.tcp_proxy import Line
from tests.support.waiting import WAIT_S, wait_until

CLI = [sys.executable, "-m", "syndb_service"]
BUNDLED = Path(syndb_service.__file__).parent / "bundled" / "celegans_varshney_2011"
WORKER, API, FORK_SERVER = (
    f"syndb_service.{module}"
    for module in ("server.worker_process", "server.api_process", "isolation.fork_server")
)

T = TypeVar("T")


class Cluster:
    """One API command and one worker command, on real servers; broker and store lie behind proxies."""

    def __init__(
        self,
        folder: Path,
        postgres: Postgres,
        broker: Redis | Rabbitmq,
        store: Seaweed,
        *,
        apis: int = 2,
        **settings: str,
    ) -> None:
        self.folder, self.postgres, self.broker, self.store, self.apis = folder, postgres, broker, store, apis
        self.line, self.proxy = Line(broker.port), StoreProxy(store.ports["s3"])
        self.port = free_port()
        self.without_file: set[str] = set()
        self.data_dir = folder / "data"
        self.database_name = f"storm_{os.urandom(4).hex()}"
        self.results_url = f"s3://{store.bucket}/results-{os.urandom(4).hex()}"
        self.environment = isolated_environment(
            folder,
            **(SETTINGS | settings),
            **store.keys.environment(),
            SYNDB_DATABASE_URL=postgres.make_database(self.database_name),
            SYNDB_BROKER_URL=broker.url.replace(f":{broker.port}/", f":{self.line.port}/"),
            SYNDB_RESULTS_URL=self.results_url,
            SYNDB_WAREHOUSE_URL=f"s3://{store.bucket}/warehouse",
            SYNDB_S3_ENDPOINT_URL=self.proxy.endpoint,
            SYNDB_WAIT_S="60",
        )
        self.database = Database(postgres.url_of(self.database_name))
        self.results: ResultStore = open_results(self.results_url, store.endpoint, unfinished_s=0)
        add = subprocess.Popen(
            [*CLI, "dataset", "add", str(BUNDLED), "--data-dir", str(self.data_dir)],
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )
        self.worker = self.start_worker()
        self.api = self.start("api", "--port", str(self.port), "--processes", str(apis))
        assert add.wait(timeout=WAIT_S) == 0
        tokens = TokenStore(self.database, academic_days=365)
        self._tokens = {name: tokens.create(name, academic=True) for name in ("ada", "bob", "eve")}

    @property
    def lease_s(self) -> float:
        """Seconds after which a silent worker's job is anybody's."""
        return float(self.environment["SYNDB_LEASE_S"])

    @property
    def temp_path(self) -> Path:
        """Where jobs have their temporary folders."""
        return self.data_dir / "tmp"

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command; return when it is ready."""
        command = [*CLI, *words, "--data-dir", str(self.data_dir), "--verbose"]
        with (self.folder / f"{words[0]}.log").open("a") as log:
            process = subprocess.Popen(
                command,
                env=self.environment | environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        assert any(line.startswith("READY") for line in process.stdout), f"{words} did not start"
        return process

    def start_worker(self, **environment: str) -> subprocess.Popen[str]:
        """Start the worker command with two processes."""
        return self.start("worker", "--processes", "2", **environment)

    def user(self, name: str) -> User:
        """Return a user without jobs so far."""
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        return User(
            lambda: httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=120)
        )

    def users(self) -> list[User]:
        """Return all three."""
        return [self.user(name) for name in self._tokens]

    def workers(self) -> list[int]:
        """Return the worker processes."""
        return self._of(self.worker, WORKER)

    def api_processes(self) -> list[int]:
        """Return the API processes."""
        return self._of(self.api, API)

    def children(self) -> list[int]:
        """Return the processes that run jobs: the ones below the fork servers."""
        servers = self._of(self.worker, FORK_SERVER)
        return [pid for server in servers for pid in descendants(server)]

    def fork_servers(self) -> list[int]:
        """Return the workers' fork servers."""
        workers = self.workers()
        return [pid for pid in self._of(self.worker, FORK_SERVER) if _parent(pid) in workers]

    def kill_master(self) -> None:
        """Kill the worker command's first process alone, and start it again when the others have ended."""
        below = descendants(self.worker.pid)
        self.worker.kill()
        self.worker.wait()
        gone(below)
        self.worker = self.start_worker()

    def kill_tree(self) -> None:
        """Kill every process of the worker command at once, and start it again."""
        below = [self.worker.pid, *descendants(self.worker.pid)]
        for pid in below:
            kill(pid)
        self.worker.wait()
        gone(below[1:])
        self.worker = self.start_worker()

    def stop_worker(self) -> None:
        """End the worker command as an operator does."""
        self.worker.terminate()
        assert self.worker.wait(timeout=WAIT_S) == 0

    def end(self) -> None:
        """End both commands; none of their processes may be left."""
        below = descendants(self.api.pid) + descendants(self.worker.pid)
        for process in (self.api, self.worker):
            process.terminate()
        for process in (self.api, self.worker):
            process.communicate(timeout=WAIT_S)
        gone(below)

    def close(self) -> None:
        """Kill what may be left after a test that failed."""
        for process in (self.api, self.worker):
            if process.poll() is None:
                process.kill()
        self.database.close()
        self.line.close()
        self.proxy.close()

    def _of(self, command: subprocess.Popen[str], module: str) -> list[int]:
        return [pid for pid in descendants(command.pid) if module in command_line(pid).split("\0")]


@contextmanager
def running_cluster(kind: str, folder: Path, *, apis: int = 2, **settings: str) -> Iterator[Cluster]:
    """Start servers and service; the broker is a ``redis`` or a ``rabbitmq``."""
    folders = [folder / name for name in ("broker", "store", "service")]
    for each in folders:
        each.mkdir()
    with ExitStack() as stack:
        postgres = stack.enter_context(running_postgres())
        store = stack.enter_context(running_seaweed(folders[1]))
        broker: Redis | Rabbitmq = (
            stack.enter_context(running_redis(folders[0]))
            if kind == "redis"
            else stack.enter_context(running_rabbitmq(folders[0]))
        )
        keys = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in store.keys.environment().items():
            keys.setenv(name, value)
        cluster = Cluster(folders[2], postgres, broker, store, apis=apis, **settings)
        stack.callback(cluster.close)
        yield cluster


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal, unless the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def alive(pid: int) -> bool:
    """Tell whether a process is there; a zombie has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids: list[int]) -> None:
    """Wait until none of these processes is left."""
    wait_until(lambda: not any(alive(pid) for pid in pids), "a process outlives the one that started it")


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
