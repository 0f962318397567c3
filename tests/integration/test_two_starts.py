"""Two services that start on one data folder at a moment: one runs, and the other says so."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

from syndb_service.container import require_writable_folder
from syndb_service.server.embedded import _lock_data_folder, is_running, write_private_file
from tests.support.live_service import isolated_environment

STARTS = 20


def test_of_two_starts_one_runs_and_the_other_says_where(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)  # as an operator may make it
    command = [sys.executable, "-m", "syndb_service", "up", "--no-demo-data", "--port", "0"]
    both = [
        subprocess.Popen(
            [*command, "--data-dir", str(data)],
            env=isolated_environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=0,
        )
        for _ in range(2)
    ]
    ended = threading.Event()
    asking = threading.Thread(target=lambda: [is_running(data) for _ in iter(ended.is_set, True)])
    asking.start()
    try:
        refused = first_to_end(both)
        runs = next(each for each in both if each is not refused)
        assert refused.returncode == 1
        assert refused.stderr is not None
        assert "runs on the data folder" in refused.stderr.read()
        assert runs.stdout is not None
        assert any(line.startswith("READY") for line in runs.stdout)
        modes = {path: path.stat().st_mode & 0o077 for path in data.rglob("*")}
        assert not {path: mode for path, mode in modes.items() if mode}
        assert data.joinpath("jobs.sqlite") in modes
    finally:
        ended.set()
        asking.join()
        for each in both:
            each.terminate()
            each.communicate(timeout=120)


def first_to_end(both: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    while True:
        for each in both:
            with contextlib.suppress(subprocess.TimeoutExpired):
                each.wait(0.02)
                return each


def test_a_folder_is_found_writable_however_many_look(tmp_path: Path) -> None:
    wrong: list[Exception] = []

    def start() -> None:
        for _ in range(STARTS):
            try:
                require_writable_folder(tmp_path / "data")
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert list((tmp_path / "data").iterdir()) == []


def test_the_announcement_of_a_killed_service_is_not_another_ones(tmp_path: Path) -> None:
    stale = tmp_path / "service.json"
    stale.write_text("{}")
    with _lock_data_folder(tmp_path):
        assert not stale.exists()


def test_a_file_with_several_writers_is_always_one_of_them_whole(tmp_path: Path) -> None:
    texts = ["a" * 50_000, "b" * 50_000]
    threads = [
        threading.Thread(
            target=lambda text=text: [write_private_file(tmp_path / "f", text) for _ in range(200)]
        )
        for text in texts
    ]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "f").exists():
            seen.add((tmp_path / "f").read_text())
    assert seen <= set(texts)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
