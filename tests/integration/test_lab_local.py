"""Finding and starting the embedded service."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import syndb_lab
from syndb_lab.connection import local_service
from syndb_lab.notebook.table.row_view import ViewSpec
from tests.support.live_service import isolated_environment

if TYPE_CHECKING:
    from tests.support.live_service import Live

CONNECT = "import syndb_lab; lab = syndb_lab.connect(); lab.datasets(); print(lab.url)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user who has nothing yet; whatever is started for him is stopped."""
    for name in [name for name in os.environ if name.startswith(("SYNDB_", "JOB_"))]:
        monkeypatch.delenv(name)
    for name, value in isolated_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    yield tmp_path
    for file in tmp_path.rglob("service.json"):
        subprocess.run(
            [sys.executable, "-m", "syndb_service", "down", "--data-dir", str(file.parent)],
            check=False,
            capture_output=True,
            timeout=120,
        )


def register(
    home: Path, url: str, pid: int, token_file: Path, started_at: str, data_dir: Path | None = None
) -> Path:
    folder = home / "xdg_state_home" / "syndb-lab" / "running"
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "url": url,
        "pid": pid,
        "token_file": str(token_file),
        "data_dir": str(data_dir or home),
        "started_at": started_at,
        "version": "0",
    }
    file = folder / f"{pid}-{started_at}.json"
    file.write_text(json.dumps(told))
    return file


def test_connect_starts_a_service_and_finds_it_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with syndb_lab.connect() as lab:
        url = lab.url
        assert lab.health()["status"] == "ok"
        assert lab.sql("SELECT 1 AS n").to_polars().item() == 1
    assert f"Started a service at {url}" in capsys.readouterr().err
    with syndb_lab.connect() as again:
        assert again.url == url
        assert again.datasets()
    assert capsys.readouterr() == ("", "")
    data_dir = local_service.default_data_dir()
    for file in data_dir.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file


def test_two_connects_at_once_start_one_service(home: Path) -> None:
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", CONNECT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    answers = [kernel.communicate(timeout=90) for kernel in kernels]
    assert [kernel.returncode for kernel in kernels] == [0, 0, 0], answers
    assert len({out for out, _ in answers}) == 1
    assert sum("Started" in err for _, err in answers) == 1
    assert len(list((home / "xdg_state_home" / "syndb-lab" / "running").glob("*.json"))) == 1


def test_the_service_outlives_the_notebook(home: Path) -> None:
    first = subprocess.run(
        [sys.executable, "-c", CONNECT], capture_output=True, text=True, timeout=90, check=True
    )
    with syndb_lab.connect(start=False) as lab:
        assert lab.url == first.stdout.strip()


def test_a_named_folder_is_its_own_service(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "my data"
    with syndb_lab.connect(data_dir=folder) as named:
        monkeypatch.setenv("SYNDB_DATA_DIR", str(folder))
        with syndb_lab.connect(start=False) as again:
            assert again.url == named.url
        monkeypatch.setenv("SYNDB_DATA_DIR", str(home / "other"))
        with pytest.raises(syndb_lab.ServiceUnavailable, match="no service runs in"):
            syndb_lab.connect(start=False)


def test_the_service_of_the_usual_folder_comes_before_a_newer_one(live: Live, home: Path) -> None:
    with syndb_lab.connect() as usual:
        token_file = home / "token"
        token_file.write_text(live.token)
        register(home, live.url, live.process.pid, token_file, "2030-01-01T00:00:00")
        with syndb_lab.connect() as again:
            assert again.url == usual.url


def test_the_environment_names_a_service(live: Live, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDB_URL", live.url)
    monkeypatch.setenv("SYNDB_TOKEN", live.token)
    with syndb_lab.connect() as lab:
        assert lab.url == live.url
        assert lab.datasets()


def test_stale_services_are_passed_over(live: Live, home: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    token_file = home / "token"
    token_file.write_text(f"{live.token}\n")
    stale = register(home, "http://127.0.0.1:9", ended.pid, token_file, "2030-01-01T00:00:00")
    deaf = register(home, "http://127.0.0.1:9", os.getpid(), token_file, "2029-01-01T00:00:00")
    own_token = live.data_dir / "token"
    register(home, live.url, live.process.pid, own_token, "2025-01-01T00:00:00", live.data_dir)
    (deaf.parent / "broken.json").write_text("{")
    with syndb_lab.connect(start=False) as lab:
        assert lab.url == live.url
        assert lab.datasets()
    assert not stale.exists()
    assert deaf.exists()


def test_someone_elses_token_cannot_be_read(live: Live, home: Path) -> None:
    register(home, live.url, live.process.pid, home / "no-such-token", "2025-01-01T00:00:00", live.data_dir)
    with pytest.raises(syndb_lab.ServiceUnavailable, match="token"):
        syndb_lab.connect(start=False)


def test_nothing_runs_and_nothing_may_be_started(home: Path) -> None:
    with pytest.raises(syndb_lab.ServiceUnavailable, match="syndb-lab up"):
        syndb_lab.connect(start=False)


def test_a_service_that_is_not_there(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        syndb_lab.connect(f"http://127.0.0.1:{port}", "token") as lab,
        pytest.raises(syndb_lab.ServiceUnavailable, match=f"nothing answers at http://127.0.0.1:{port}"),
    ):
        lab.sql("SELECT 1")


def test_a_folder_that_cannot_be_written(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(syndb_lab.ServiceNotStarted, match="can't be written"):
        syndb_lab.connect(data_dir=home / "file" / "data")


def test_a_service_that_dies_shows_its_last_words(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_QUEUE_MAX_WORKERS", "none")
    with pytest.raises(syndb_lab.ServiceNotStarted, match="JOB_QUEUE_MAX_WORKERS"):
        syndb_lab.connect()


def test_without_the_service_installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syndb_lab.connection.local_service.importlib.util.find_spec", lambda _: None)
    with pytest.raises(syndb_lab.ServiceNotStarted, match=r"syndb-lab\[service\]"):
        syndb_lab.connect()


def test_a_service_that_went_away_is_started_anew(home: Path) -> None:
    syndb_lab.connect().close()
    os.kill(
        json.loads((local_service.default_data_dir() / "service.json").read_text())["pid"], signal.SIGKILL
    )
    with syndb_lab.connect() as lab:
        assert lab.datasets()
        assert lab.health()["status"] == "ok"


def stored_in(home: Path, job: syndb_lab.Job) -> Path:
    (stored,) = (file for file in home.rglob(f"results/{job.id}/*") if file.is_file())
    return stored


def test_a_large_result_of_a_service_on_this_computer_is_read_in_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndb_lab.results.cache.IN_PLACE_BYTES", 1000)
    lab = syndb_lab.connect()
    job = lab.sql("SELECT range AS n FROM range(100000)").wait()
    stored = stored_in(home, job)
    lazy, whole, relation, table = job.to_lazy(), job.to_polars(), job.to_duckdb(), job.table()
    assert not list(home.rglob("*.arrow")), "nothing was copied, and no name leads into the store"
    job.purge()
    assert not stored.exists()
    assert lazy.select("n").sum().collect().item() == whole["n"].sum() == sum(range(100_000))
    assert relation.aggregate("count(*)").fetchall() == [(100_000,)]
    assert table._take_rows().texts(ViewSpec([(0, "desc")]), 0, 1, [0]) == [["99999"]]
    table.close()
    with pytest.raises(syndb_lab.ResultExpired):
        job.to_lazy()


def test_what_a_user_does_to_a_file_that_he_was_given_is_his_own_affair(home: Path) -> None:
    lab = syndb_lab.connect()
    job = lab.sql("SELECT range AS n FROM range(1000)", format="csv").wait()
    stored = stored_in(home, job)
    (stored.parent / "0").write_bytes(stored.read_bytes().replace(b"1", b"2"))  # of another attempt
    path = job.result_path()
    before = stored.read_bytes()
    assert (path.read_bytes(), path.stat().st_nlink, stored.stat().st_nlink) == (before, 1, 1)
    path.chmod(0o600)
    path.write_text("n\n1\n")
    assert stored.read_bytes() == before
    with pytest.warns(UserWarning, match="changed after it was fetched"):
        assert job.to_polars()["n"].to_list() == list(range(1000))
    assert job.result_path().read_bytes() == before
    job.purge()
    assert not list(home.rglob("*.csv")), "what was destroyed is gone here, too"
