"""The embedded service under faults: its children, its fork server and itself killed and paused."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from syndb_service.results import open_results
from syndb_service.store import Database
from tests.support.faults.cluster import gone
from tests.support.faults.final_check import Report, nothing_left, read_events, settle
from tests.support.faults.storm import SETTINGS, rage
from tests.support.faults.storm_jobs import User
from tests.support.live_service import isolated_environment
from tests.support.servers.server import descendants, free_port


class Embedded:
    """One `syndb-lab up` that is started again whenever it was killed."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.environment = isolated_environment(folder, **SETTINGS)
        self.log = folder / "up.log"
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
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

    def token(self, user: str) -> str:
        words = ["token", "create", "--user", user, "--academic", "--data-dir", str(self.data_dir)]
        command = [sys.executable, "-m", "syndb_service", *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    def user(self, name: str) -> User:
        headers = {"Authorization": f"Bearer {self.token(name)}"}
        return User(
            lambda: httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=120)
        )

    def kill_child(self, chance: random.Random) -> None:
        _kill_one(descendants(self.process.pid)[1:], chance)

    def kill_fork_server(self, chance: random.Random) -> None:
        _kill_one(descendants(self.process.pid)[:1], chance)

    def kill_service(self, _chance: random.Random) -> None:
        below = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        gone(below)
        self.process = self.start()

    def stop_and_start(self, _chance: random.Random) -> None:
        self.process.terminate()
        assert self.process.wait(timeout=120) == 0
        self.process = self.start()

    def pause(self, chance: random.Random) -> None:
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(chance.choice([0.5, 4.5]))
        self.process.send_signal(signal.SIGCONT)

    def faults(self) -> dict[str, Callable[[random.Random], None]]:
        return {
            "child killed": self.kill_child,
            "fork server killed": self.kill_fork_server,
            "service killed": self.kill_service,
            "service stopped": self.stop_and_start,
            "service paused": self.pause,
        }


def _kill_one(pids: list[int], chance: random.Random) -> None:
    if pids:
        try:
            os.kill(chance.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return


@pytest.mark.timeout(900)
def test_nothing_is_lost_and_nothing_is_stuck(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seed = int(os.environ.get("SYNDB_STORM_SEED", "1986"))
    report = Report("embedded", seed)
    service = Embedded(tmp_path)
    request.addfinalizer(lambda: service.process.kill())
    users = [service.user(name) for name in ("ada", "bob", "eve")]
    rage(report, users, service.faults())
    settle(users, report)
    database = Database(f"sqlite:///{service.data_dir / 'jobs.sqlite'}")
    read_events(database, report)
    nothing_left(database, open_results(str(service.data_dir / "results")), service.data_dir / "tmp")
    database.close()
    below = descendants(service.process.pid)
    service.process.terminate()
    assert service.process.wait(timeout=120) == 0
    gone(below)
    print("\n" + report.row())
    assert (report.lost, report.doubled, report.wrong) == ([], [], [])
