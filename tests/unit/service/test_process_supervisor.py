"""The supervisor of processes: it keeps them alive, and leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.waiting import WAIT_S, wait_until

ROOT = Path(__file__).resolve().parents[3]


class Supervised:
    """A running supervisor, and what its processes wrote."""

    def __init__(self, folder: Path, mode: str, count: int) -> None:
        self._folder = folder
        self.log = folder / "log"
        command = [sys.executable, "-m", "tests.support.supervised_process", "supervise", str(folder), mode]
        with self.log.open("w") as log:
            self.supervisor = subprocess.Popen([*command, str(count)], cwd=ROOT, stderr=log)

    def is_ready(self) -> bool:
        return (self._folder / "READY").exists()

    def started(self) -> set[int]:
        return {int(file.stem) for file in self._folder.glob("*.started")}

    def ended(self) -> set[int]:
        return {int(file.stem) for file in self._folder.glob("*.ended")}

    def living(self) -> set[int]:
        return {pid for pid in self.started() if lives(pid)}


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[[str, int], Supervised]]:
    begun: list[Supervised] = []

    def start(mode: str, count: int) -> Supervised:
        begun.append(Supervised(tmp_path, mode, count))
        return begun[-1]

    yield start
    for each in begun:
        each.supervisor.kill()
        each.supervisor.wait()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
def test_it_is_ready_when_all_are(supervised: Callable[[str, int], Supervised]) -> None:
    group = supervised("plain", 3)
    wait_until(group.is_ready)
    assert len(group.living()) == 3


@pytest.mark.slow
def test_one_that_dies_is_started_again_and_its_siblings_stay(
    supervised: Callable[[str, int], Supervised],
) -> None:
    group = supervised("plain", 3)
    wait_until(group.is_ready)
    victim, *siblings = sorted(group.living())
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(group.started()) == 4)
    assert group.living() == group.started() - {victim}
    assert set(siblings) <= group.living()
    assert f"(process {victim}) was killed by SIGKILL" in group.log.read_text()


@pytest.mark.slow
def test_one_that_keeps_ending_is_started_again_and_again(
    supervised: Callable[[str, int], Supervised],
) -> None:
    group = supervised("short", 1)
    wait_until(lambda: len(group.started()) >= 4)
    assert group.supervisor.poll() is None
    assert "ended with exit status 0" in group.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_each_end_its_work(
    supervised: Callable[[str, int], Supervised], number: signal.Signals
) -> None:
    group = supervised("plain", 3)
    wait_until(group.is_ready)
    group.supervisor.send_signal(number)
    assert group.supervisor.wait(WAIT_S) == 0
    assert len(group.ended()) == 3
    assert not group.living()
    assert "was killed" not in group.log.read_text()


@pytest.mark.slow
def test_one_that_does_not_end_is_killed(supervised: Callable[[str, int], Supervised]) -> None:
    group = supervised("deaf", 2)
    wait_until(group.is_ready)
    group.supervisor.terminate()
    assert group.supervisor.wait(WAIT_S) == 0
    assert not group.living()
    assert "did not end and is killed" in group.log.read_text()


@pytest.mark.parametrize("mode", ["plain", "deaf"])
def test_a_killed_supervisor_leaves_nothing(supervised: Callable[[str, int], Supervised], mode: str) -> None:
    group = supervised(mode, 3)
    wait_until(group.is_ready)
    group.supervisor.kill()
    group.supervisor.wait()
    wait_until(lambda: not group.living())


def test_a_process_started_by_nobody_is_tied_to_nobody(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.supervised_process", "process", str(tmp_path), "short"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_a_process_whose_supervisor_is_gone_already_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.supervised_process", "process", str(tmp_path), "plain"]
    environment = os.environ | {"SYNDB_LIFELINE": "0:1"}
    assert os.getpid() != 1
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 1
    assert not list(tmp_path.iterdir())


def test_without_the_kernels_help_the_closed_lifeline_ends_a_process(tmp_path: Path) -> None:
    code = (
        "import ctypes, socket, subprocess, sys, os\n"
        "from syndb_service.server.parent_watchdog import "
        "watchdog_environment\n"
        "ours, theirs = socket.socketpair(); os.set_inheritable(theirs.fileno(), True)\n"
        "command = [sys.executable, '-c', 'import sys; sys.platform = \"other\"\\n'\n"
        "  'from pathlib import Path; from tests.support.supervised_process import be_process\\n'\n"
        "  'be_process(Path(sys.argv[1]), \"deaf\")', sys.argv[1]]\n"
        "child = subprocess.Popen(command, env=os.environ | watchdog_environment(theirs.fileno()),"
        " pass_fds=[theirs.fileno()])\n"
        "theirs.close(); assert ours.recv(1) == b'r'; ours.close(); print(child.wait())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, check=True
    )
    assert int(done.stdout) == -signal.SIGKILL


def test_processes_that_cannot_start_end_the_supervisor(
    supervised: Callable[[str, int], Supervised],
) -> None:
    group = supervised("refuses", 3)
    assert group.supervisor.wait(WAIT_S) == 1
    assert group.log.read_text().count("this can't be") == 1
