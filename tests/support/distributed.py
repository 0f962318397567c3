"""The distributed service as an operator runs it: API processes, worker processes, real servers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.live_service import Jobs
from tests.support.servers.server import descendants


@dataclass
class Command:
    """A running `syndb-lab api` or `syndb-lab worker`."""

    process: subprocess.Popen[str]
    ready: str
    log: Path

    def processes(self) -> list[int]:
        """Return the processes that it supervises."""
        module = (
            "syndb_service.server.api_process"
            if "http" in self.ready
            else "syndb_service.server.worker_process"
        )
        return [pid for pid in descendants(self.process.pid) if module in command_line(pid).split("\0")]

    def logged(self) -> str:
        """Return what it wrote to its log so far."""
        return self.log.read_text(errors="replace")


def command_line(pid: int) -> str:
    """Return the words of a process's command, or nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def running(folder: Path, environment: Mapping[str, str], *words: str) -> Iterator[Command]:
    """Run a command until it is READY, and end it with SIGTERM afterwards."""
    log = folder / f"{words[0]}.log"
    command = [sys.executable, "-m", "syndb_service", *words, "--data-dir", str(folder / "data"), "--verbose"]
    with log.open("a") as sink:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=sink, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("READY"), f"`syndb-lab {' '.join(words)}` ended: {log.read_text()}"
        yield Command(process, line.strip(), log)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=120)
        finally:
            process.kill()


@contextmanager
def starting(folder: Path, environment: Mapping[str, str], *words: str) -> Iterator[Command]:
    """Start a command without waiting for it; end it afterwards."""
    log = folder / f"{words[0]}.log"
    command = [sys.executable, "-m", "syndb_service", *words, "--data-dir", str(folder / "data"), "--verbose"]
    with log.open("w") as sink:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=sink, text=True)
    try:
        yield Command(process, "", log)
    finally:
        process.terminate()
        process.communicate(timeout=120)


@dataclass
class Distributed:
    """The whole of it, on one host: the commands share a data folder."""

    api: Command
    worker: Command
    token: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.api.ready.split()[1]

    @contextmanager
    def jobs(self) -> Iterator[Jobs]:
        """Yield the user's jobs."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=90) as http:
            yield Jobs(http)


@contextmanager
def running_distributed(
    folder: Path, environment: Mapping[str, str], processes: int = 2
) -> Iterator[Distributed]:
    """Run API and worker, that many processes each, on the parts that the environment names."""
    count = ["--processes", str(processes)]
    make_token = [sys.executable, "-m", "syndb_service", "token", "create", "--user", "someone", "--academic"]
    token = subprocess.run(
        [*make_token, "--data-dir", str(folder / "data")],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    with (
        running(folder, environment, "worker", *count) as worker,
        running(folder, environment, "api", "--port", "0", *count) as api,
    ):
        yield Distributed(api, worker, token, environment)
