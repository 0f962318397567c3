"""What the real servers of the tests have in common: start, end, kill, pause, on the same data and port."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from tests.support.waiting import WAIT_S, wait_until

USER, PASSWORD = "syndb", "not-for-logs"


class Server(ABC):
    """A server process with its files in a folder of the test.

    Parameters
    ----------
    folder : Path
        An empty folder; it is the caller's to remove.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is, with user and password, as the service's settings want it."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Say whether it does its work already."""

    def environment(self) -> dict[str, str]:
        """Return the variables the server runs with."""
        return dict(os.environ)

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it on the data and the port that it had before; return when it answers."""
        assert not self.running
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._guard = Guard(self._process.pid)
        until = time.monotonic() + WAIT_S
        while not self.answers():
            if not self.running or time.monotonic() > until:
                self.kill()
                log_end = (self.folder / "server.log").read_text(errors="replace")[-4000:]
                pytest.fail(f"{self.name} does not start: {log_end}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as an operator does; kill it if it takes too long."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(self.polite_signal())
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=120)
        self.kill()

    def polite_signal(self) -> signal.Signals:
        """Return the signal that asks it to end, without waiting for its clients."""
        return signal.SIGTERM

    def kill(self) -> None:
        """End it and every process it started, as a power cut does."""
        if self._process is not None:
            self._signal_all(signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    def pause(self) -> None:
        """Make it answer nothing, and refuse nothing, until :meth:`resume`."""
        self._signal_all(signal.SIGSTOP)
        wait_until(
            lambda: not {state(pid) for pid in self.pids()} - {"T", "Z", ""}, f"{self.name} does not stop"
        )

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal_all(signal.SIGCONT)

    def pids(self) -> list[int]:
        """Return its processes; none, once it has ended."""
        if self._process is None or self._process.poll() is not None:
            return []
        return [self._process.pid, *descendants(self._process.pid)]

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


class Guard:
    """Kills a process group when this process ends without having done so, be it by SIGKILL.

    A parent-death signal would end a server with the thread that started it.
    """

    def __init__(self, group: int) -> None:
        script = 'read -r _; kill -KILL "-$1"'
        self._process = subprocess.Popen(
            ["sh", "-c", script, "guard", str(group)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End the guard; the group is left alone."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and theirs; whatever session they are in."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(after_name[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        waiting.extend(below := children.get(waiting.pop(), []))
        found.extend(below)
    return found


def state(pid: int) -> str:
    """Return the letter of a process's state (T when paused), or nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def as_user(user: str) -> list[str]:
    """Return the prefix that runs a command as ``user`` if we are root."""
    return ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"] if os.geteuid() == 0 else []


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on.

    It is below those that Linux gives to outgoing connections: one of them could take it while a server that
    a test has killed is started again.
    """
    while True:
        port = secrets.randbelow(12_000) + 20_000
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def installed(name: str, *candidates: str) -> str:
    """Return the first of these binaries that is there; without one, skip, or fail where CI runs."""
    for candidate in candidates:
        if found := shutil.which(candidate):
            return found
    reason = f"{name} is not installed (on Debian and Ubuntu: apt install {name})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
