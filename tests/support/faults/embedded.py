"""One `syndb-lab up` that is started again whenever it was killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from syndb_service.results import ResultStore, open_results
from syndb_service.store import Database, TokenStore
from tests.support.faults.cluster import gone
from tests.support.faults.storm import SETTINGS
from tests.support.faults.storm_jobs import User
from tests.support.live_service import isolated_environment
from tests.support.servers.server import descendants, free_port
from tests.support.waiting import WAIT_S


class Embedded:
    """The embedded service; its files may lie anywhere below ``folder``."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.without_file: set[str] = set()
        self.environment = isolated_environment(folder, **(SETTINGS | settings))
        self.log = folder / "up.log"
        self.process = self.start()
        self.database = Database(f"sqlite:///{self.data_dir / 'jobs.sqlite'}")
        self.results: ResultStore = open_results(settings.get("SYNDB_RESULTS_URL") or self._results)
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

    @property
    def _results(self) -> str:
        return str(self.data_dir / "results")

    def start(self) -> subprocess.Popen[str]:
        """Start it; return when it is ready."""
        words = ["up", "--data-dir", str(self.data_dir), "--port", str(self.port), "--verbose"]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "syndb_service", *words],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        assert any(line.startswith("READY") for line in process.stdout), self.log.read_text()
        return process

    def user(self, name: str) -> User:
        """Return a user without jobs so far."""
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        return User(
            lambda: httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=120)
        )

    def users(self) -> list[User]:
        """Return all three."""
        return [self.user(name) for name in self._tokens]

    def children(self) -> list[int]:
        """Return the processes that run jobs: the ones below the fork server."""
        return [pid for server in self.fork_servers() for pid in descendants(server)]

    def fork_servers(self) -> list[int]:
        """Return the fork server."""
        return descendants(self.process.pid)[:1]

    def kill_master(self) -> None:
        """Kill the service's own process, and start it again when the others have ended."""
        below = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        gone(below)
        self.process = self.start()

    def stop_and_start(self) -> None:
        """End it as an operator does, and start it again."""
        self.process.terminate()
        assert self.process.wait(timeout=WAIT_S) == 0
        self.process = self.start()

    def end(self) -> None:
        """End it; none of its processes may be left."""
        below = descendants(self.process.pid)
        self.process.terminate()
        assert self.process.wait(timeout=WAIT_S) == 0
        gone(below)

    def close(self) -> None:
        """Kill what may be left after a test that failed."""
        self.process.kill()
        self.process.wait()
        self.database.close()


@contextmanager
def running_embedded(folder: Path, **settings: str) -> Iterator[Embedded]:
    """Start the service, and kill it in the end where a test didn't end it."""
    service = Embedded(folder, **settings)
    try:
        yield service
    finally:
        service.close()
