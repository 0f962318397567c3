"""Services under measurement: the embedded one, and the distributed one on real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from benchmarks.processes import ROOT
from benchmarks.queries import WORM
from tests.support.distributed import running
from tests.support.live_service import Jobs, isolated_environment, running_service
from tests.support.servers.postgres import Postgres, running_postgres
from tests.support.servers.redis import Redis, running_redis
from tests.support.servers.seaweed import Seaweed, running_seaweed

BUNDLED: Final = ROOT / "service" / "syndb_service" / "bundled" / WORM
USER: Final = "someone"
LOGGED: Final = {"SYNDB_LOG_FORMAT": "json"}
SKIPPED: Final = (pytest.skip.Exception, pytest.fail.Exception)
"""Exceptions of a test server whose program is not installed."""


@dataclass(frozen=True)
class Location:
    """A running service and its first processes; its others are their descendants."""

    name: str
    url: str
    token: str
    data_dir: Path
    environment: dict[str, str]
    pids: tuple[int, ...]
    log: Path


@dataclass(frozen=True)
class Servers:
    """The real servers behind a distributed service."""

    postgres: Postgres
    redis: Redis
    seaweed: Seaweed


@dataclass
class Bench:
    """One run: its folders, and the servers, which the first question that needs them starts.

    Parameters
    ----------
    folder : Path
        Temporary files of this run.
    data_folder : Path
        Generated data, reused by later runs.
    quick : bool
        Small sizes, only to check that the questions work.
    """

    folder: Path
    data_folder: Path
    quick: bool
    _stack: ExitStack = field(default_factory=ExitStack)
    _servers: Servers | None = None
    _folder_count: int = 0
    _shared: dict[str, Location] = field(default_factory=dict)

    def many(self, full: int, quick: int) -> int:
        """Return ``full``, or in a quick run ``quick``."""
        return quick if self.quick else full

    def fresh_folder(self, name: str) -> Path:
        """Create an empty folder."""
        self._folder_count += 1
        folder = self.folder / f"{name}-{self._folder_count}"
        folder.mkdir(parents=True)
        return folder

    def servers(self) -> Servers:
        """Return PostgreSQL, Redis and SeaweedFS, running."""
        if self._servers is None:
            self._servers = Servers(
                self._stack.enter_context(running_postgres()),
                self._stack.enter_context(running_redis(self.fresh_folder("redis"))),
                self._stack.enter_context(running_seaweed(self.fresh_folder("seaweed"))),
            )
        return self._servers

    @contextmanager
    def embedded(self, **settings: str) -> Iterator[Location]:
        """Run ``syndb-lab up``; all questions of a quick run share one service."""
        if not self.quick:
            with self._embedded(settings) as location:
                yield location
            return
        if "embedded" not in self._shared:
            self._shared["embedded"] = self._stack.enter_context(self._embedded(LOGGED))
        yield self._shared["embedded"]

    @contextmanager
    def _embedded(self, settings: Mapping[str, str]) -> Iterator[Location]:
        folder = self.fresh_folder("embedded")
        with running_service(folder, **settings) as live:
            yield Location(
                "embedded",
                live.url,
                live.token,
                live.data_dir,
                live.environment,
                (live.process.pid,),
                folder / "up.log",
            )

    @contextmanager
    def distributed(
        self, *, worker: bool = True, settings: Mapping[str, str] | None = None
    ) -> Iterator[Location]:
        """Run ``syndb-lab api`` and optionally ``worker`` on PostgreSQL, Redis and S3, with one process each.

        All questions of a quick run with a worker share one service.
        """
        if not (self.quick and worker):
            with self._distributed(worker, settings or {}) as location:
                yield location
            return
        if "distributed" not in self._shared:
            self._shared["distributed"] = self._stack.enter_context(self._distributed(True, LOGGED))
        yield self._shared["distributed"]

    @contextmanager
    def _distributed(self, worker: bool, settings: Mapping[str, str]) -> Iterator[Location]:
        servers, folder = self.servers(), self.fresh_folder("distributed")
        name = f"bench_{os.urandom(6).hex()}"
        environment = isolated_environment(
            folder,
            SYNDB_DATABASE_URL=servers.postgres.make_database(name),
            SYNDB_BROKER_URL=servers.redis.url_of(self._folder_count % 15 + 1),
            SYNDB_RESULTS_URL=f"s3://{servers.seaweed.bucket}/{name}-results",
            SYNDB_S3_ENDPOINT_URL=servers.seaweed.endpoint,
            **servers.seaweed.keys.environment(),
            **settings,
        )
        data_dir = folder / "data"
        try:
            syndb_lab(environment, data_dir, "dataset", "add", str(BUNDLED))
            token = syndb_lab(environment, data_dir, "token", "create", "--user", USER, "--academic")
            commands = [("api", "--port", "0"), *([("worker",)] if worker else [])]
            with ExitStack() as stack:
                started = [stack.enter_context(running(folder, environment, *words)) for words in commands]
                url, pids = started[0].ready.split()[1], tuple(each.process.pid for each in started)
                yield Location("distributed", url, token, data_dir, environment, pids, folder / "worker.log")
        finally:
            servers.postgres.drop_database(name)

    def close(self) -> None:
        """End the servers."""
        self._stack.close()


def syndb_lab(environment: dict[str, str], data_dir: Path, *words: str) -> str:
    """Run a command on a service's data folder; return its output."""
    command = [sys.executable, "-m", "syndb_service", *words, "--data-dir", str(data_dir)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def jobs_of(location: Location) -> Iterator[Jobs]:
    """Yield the user's jobs, over plain HTTP."""
    headers = {"Authorization": f"Bearer {location.token}"}
    with httpx.Client(base_url=location.url, headers=headers, timeout=600) as http:
        yield Jobs(http)
