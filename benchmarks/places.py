"""Where the questions are asked: the embedded service, and the distributed one on real servers."""

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
"""What a server of the tests raises where its program is not installed."""


@dataclass(frozen=True)
class Place:
    """A running service and the first processes of it; the rest are their descendants."""

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
    """One run: where its files are, and the servers, started when the first question needs them.

    Parameters
    ----------
    folder : Path
        Temporary files of this run.
    kept : Path
        Generated data, kept between runs.
    quick : bool
        For function, not for figures.
    """

    folder: Path
    kept: Path
    quick: bool
    _stack: ExitStack = field(default_factory=ExitStack)
    _servers: Servers | None = None
    _places: int = 0
    _shared: dict[str, Place] = field(default_factory=dict)

    def many(self, full: int, quick: int) -> int:
        """Return how often or how many: fewer in a quick run."""
        return quick if self.quick else full

    def fresh_folder(self, name: str) -> Path:
        """Make an empty folder."""
        self._places += 1
        folder = self.folder / f"{name}-{self._places}"
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
    def embedded(self, **settings: str) -> Iterator[Place]:
        """Run ``syndb-lab up``; a quick run asks one and the same."""
        if not self.quick:
            with self._embedded(settings) as place:
                yield place
            return
        if "embedded" not in self._shared:
            self._shared["embedded"] = self._stack.enter_context(self._embedded(LOGGED))
        yield self._shared["embedded"]

    @contextmanager
    def _embedded(self, settings: Mapping[str, str]) -> Iterator[Place]:
        folder = self.fresh_folder("embedded")
        with running_service(folder, **settings) as live:
            yield Place(
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
    ) -> Iterator[Place]:
        """Run ``syndb-lab api`` and, if wanted, ``worker`` on PostgreSQL, Redis and S3; a process each.

        A quick run asks one and the same, where there is to be a worker.
        """
        if not (self.quick and worker):
            with self._distributed(worker, settings or {}) as place:
                yield place
            return
        if "distributed" not in self._shared:
            self._shared["distributed"] = self._stack.enter_context(self._distributed(True, LOGGED))
        yield self._shared["distributed"]

    @contextmanager
    def _distributed(self, worker: bool, settings: Mapping[str, str]) -> Iterator[Place]:
        servers, folder = self.servers(), self.fresh_folder("distributed")
        name = f"bench_{os.urandom(6).hex()}"
        environment = isolated_environment(
            folder,
            SYNDB_DATABASE_URL=servers.postgres.make_database(name),
            SYNDB_BROKER_URL=servers.redis.url_of(self._places % 15 + 1),
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
                yield Place("distributed", url, token, data_dir, environment, pids, folder / "worker.log")
        finally:
            servers.postgres.drop_database(name)

    def close(self) -> None:
        """End the servers."""
        self._stack.close()


def syndb_lab(environment: dict[str, str], data_dir: Path, *words: str) -> str:
    """Run a command on a place's data folder; return what it prints."""
    command = [sys.executable, "-m", "syndb_service", *words, "--data-dir", str(data_dir)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def jobs_of(place: Place) -> Iterator[Jobs]:
    """Yield the user's jobs, over plain HTTP."""
    headers = {"Authorization": f"Bearer {place.token}"}
    with httpx.Client(base_url=place.url, headers=headers, timeout=600) as http:
        yield Jobs(http)
