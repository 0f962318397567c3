"""The demo as a command: what it prints, what it leaves, how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.live_service import isolated_environment

DEMO = [sys.executable, "-m", "syndb_lab.demo"]


def left_running(data_dir: Path) -> list[str]:
    """List the processes that work on a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode()
            where = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(data_dir) in command or where.startswith(str(data_dir)):
            found.append(command.replace("\0", " "))
    return found


def test_it_works_and_leaves_a_picture(tmp_path: Path) -> None:
    run = subprocess.run(
        [*DEMO, "--data-dir", str(tmp_path / "data")],
        cwd=tmp_path,
        env=isolated_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for words in ("PDER", "Acetylcholine", "completed · 12 rows", "237 neurons", "3.48", "AVAR", "make lab"):
        assert words in run.stdout
    commands = Path(sys.executable).parent
    assert f"in Python:           {commands / 'python'}\n" in run.stdout
    assert f"source {commands}/activate" in run.stdout
    assert "\x1b" not in run.stdout
    assert (tmp_path / "demo-output" / "celegans.png").read_bytes().startswith(b"\x89PNG")
    assert left_running(tmp_path / "data") == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("seconds", [0.0, 0.7, 2.0])
def test_it_leaves_nothing_running_when_it_is_stopped(
    tmp_path: Path, number: signal.Signals, status: int, seconds: float
) -> None:
    data_dir = tmp_path / "data"
    run = subprocess.Popen(
        [*DEMO, "--data-dir", str(data_dir)],
        cwd=tmp_path,
        env=isolated_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    run.stdout.readline()
    time.sleep(seconds)
    run.send_signal(number)
    run.communicate(timeout=120)
    assert run.returncode in {status, 0, -number}
    assert left_running(data_dir) == []


def test_a_service_that_does_not_start_is_a_failure(tmp_path: Path) -> None:
    run = subprocess.run(
        DEMO,
        cwd=tmp_path,
        env=isolated_environment(tmp_path, JOB_QUEUE_MAX_WORKERS="none"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1
    assert "The demo failed" in run.stderr
    assert "Traceback" not in run.stderr
