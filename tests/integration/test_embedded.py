"""`syndb-lab up`: start, be found, stop, start again."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.live_service import Jobs, isolated_environment, running_service
from tests.support.servers.server import descendants
from tests.support.waiting import wait_until
from tests.support.wire import CROSS_JOIN


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "syndb_service", *arguments],
        env=isolated_environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )


def complains(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_it_says_where_it_runs_and_takes_that_back(tmp_path: Path) -> None:
    with running_service(tmp_path) as live:
        announcement = json.loads((live.data_dir / "service.json").read_text())
        assert announcement["url"] == live.url
        assert announcement["pid"] == live.process.pid
        assert Path(announcement["token_file"]).read_text().strip() == live.token
        (listed,) = (tmp_path / "xdg_state_home" / "syndb-lab" / "running").glob("*.json")
        assert json.loads(listed.read_text()) == announcement
        for secret in (live.data_dir / "token", live.data_dir / "service.json"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert stat.S_IMODE(live.data_dir.stat().st_mode) == 0o700
        assert live.url.startswith("http://127.0.0.1:")
        health = httpx.get(f"{live.url}/health").json()
        assert health["status"] == "ok"
    assert not (live.data_dir / "service.json").exists()
    assert not listed.exists()


def test_on_every_address_its_own_client_reaches_it_past_a_proxy_and_nothing_prints_its_token(
    tmp_path: Path,
) -> None:
    """0.0.0.0 is no address to connect to, and no proxy reaches this computer's service for us."""
    with running_service(tmp_path, "--host", "0.0.0.0", "--no-demo-data", "--verbose") as live:
        assert live.url.startswith("http://127.0.0.1:")
        ask = "import syndb_lab; print(syndb_lab.connect(start=False).sql('SELECT 41 + 1 AS a').to_arrow())"
        nowhere = "http://127.0.0.1:9"
        proxied = {**live.environment, "HTTP_PROXY": nowhere, "http_proxy": nowhere, "ALL_PROXY": nowhere}
        code = ask.replace("start=False", f"data_dir={str(live.data_dir)!r}, start=False")
        done = subprocess.run(
            [sys.executable, "-c", code], env=proxied, capture_output=True, text=True, timeout=120
        )
        assert "42" in done.stdout, done.stderr
        port = live.url.rpartition(":")[2]
        for host in ("0.0.0.0", socket.gethostname()):
            code = f"import syndb_lab; print(syndb_lab.connect('http://{host}:{port}', {live.token!r}))"
            done = subprocess.run(
                [sys.executable, "-c", code], env=proxied, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stderr
        live.process.terminate()
        printed = "" if live.process.stdout is None else live.process.stdout.read()
        assert live.token not in printed + (tmp_path / "up.log").read_text()


def test_a_service_that_a_notebook_starts_writes_no_token_into_its_log(tmp_path: Path) -> None:
    code = "import syndb_lab, sys; syndb_lab.connect(data_dir=sys.argv[1])"
    environment = isolated_environment(tmp_path)
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "data")], env=environment, check=True)
    try:
        log = (tmp_path / "data" / "up.log").read_text()
        assert "READY" in log
        assert (tmp_path / "data" / "token").read_text().strip() not in log
    finally:
        run(tmp_path, "down", "--data-dir", str(tmp_path / "data"))


def test_a_setting_that_is_misspelt_is_told(tmp_path: Path) -> None:
    with running_service(tmp_path, SYNDB_JOB_TREADS="2", JOB_RESULT_TTL_HOURS="3", JOB_NAME="x") as live:
        told = (tmp_path / "up.log").read_text()
        assert live.http().get("/health").is_success
    assert "SYNDB_JOB_TREADS is no setting and changes nothing; was SYNDB_JOB_THREADS meant?" in told
    assert told.count("is no setting") == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_while_a_job_runs_and_goes_on_with_it(tmp_path: Path, how: signal.Signals) -> None:
    with running_service(tmp_path) as live, live.http() as http:
        jobs = Jobs(http)
        quick = jobs.run("SELECT 42 AS n")
        job = jobs.until(jobs.submit(CROSS_JOIN), "running")
        processes = descendants(live.process.pid)
        live.process.send_signal(how)
        assert live.process.wait(timeout=120) == 0
        assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    with running_service(tmp_path) as live, live.http() as http:
        jobs = Jobs(http)
        again = jobs.until(jobs.get(job["job_id"]), "running")
        assert again["attempt"] == 2
        http.delete(f"/v1/jobs/{job['job_id']}")
        assert jobs.until(again)["status"] == "cancelled"
        assert jobs.result(quick).status_code == 200, "results outlive a restart"


def test_killed_outright_it_leaves_no_process_and_loses_no_job(tmp_path: Path) -> None:
    with running_service(tmp_path) as live, live.http() as http:
        jobs = Jobs(http)
        job = jobs.until(jobs.submit(CROSS_JOIN), "running")
        processes = descendants(live.process.pid)
        assert processes
        live.process.kill()
        live.process.wait()
        wait_until(lambda: not [pid for pid in processes if _runs(pid)])
    with running_service(tmp_path) as live, live.http() as http:
        again = Jobs(http).until(Jobs(http).get(job["job_id"]), "running")
        assert again["attempt"] == 2
        http.delete(f"/v1/jobs/{job['job_id']}")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_request_that_it_can_not_finish_at_its_end_is_told_so(tmp_path: Path) -> None:
    """A body that never comes whole stands for whatever takes longer than the end waits."""
    with running_service(tmp_path) as live:
        host, port = live.url.removeprefix("http://").split(":")
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {live.token}\r\n"
        with socket.create_connection((host, int(port)), timeout=120) as connection:
            connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
            assert httpx.get(f"{live.url}/health").status_code == 200
            live.process.send_signal(signal.SIGTERM)
            answer = b""
            while more := connection.recv(65536):
                answer += more
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"application/problem+json" in answer
    assert b"service_stopping" in answer
    assert b"retry-after" in answer.lower()


def test_down_stops_it(tmp_path: Path) -> None:
    with running_service(tmp_path) as live:
        assert live.url in live.syndb_lab("down")
        assert live.process.wait(timeout=120) == 0
    complains(run(tmp_path, "down", "--data-dir", str(live.data_dir)), "no service runs", "syndb-lab up")


def test_a_second_one_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running_service(tmp_path) as live:
        second = run(tmp_path, "up", "--data-dir", str(live.data_dir), "--port", "0")
        complains(second, "already", live.url, "syndb-lab down")
        assert httpx.get(f"{live.url}/health").status_code == 200


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        complains(run(tmp_path, "up", "--data-dir", str(tmp_path / "data"), "--port", port), port, "--port 0")
    assert not (tmp_path / "data" / "service.json").exists()


@pytest.mark.parametrize(
    "command", [("token", "list"), ("token", "revoke", "x"), ("dataset", "list"), ("dataset", "remove", "x")]
)
def test_a_mistyped_data_folder_is_not_made(tmp_path: Path, command: tuple[str, ...]) -> None:
    complains(run(tmp_path, *command, "--data-dir", str(tmp_path / "typo")), "no data folder", "typo")
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("days", ["nan", "0", "-1", "1e300", "soon"])
def test_tokens_for_impossible_days(tmp_path: Path, days: str) -> None:
    done = run(tmp_path, "token", "create", "--user", "a", "--days", days, "--data-dir", str(tmp_path / "d"))
    assert done.returncode != 0
    assert "days" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [("up", "--port", "0"), ("token", "create", "--user", "a")])
def test_a_data_folder_that_cannot_be_written(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    complains(
        run(tmp_path, *command, "--data-dir", str(tmp_path / "file" / "data")),
        "can't be written",
        "--data-dir",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOB_QUEUE_MAX_WORKERS", "0"),
        ("JOB_QUEUE_MAX_WORKERS", "many"),
        ("JOB_RESULT_TTL_HOURS", "-1"),
        ("JOB_MAX_RESULT_BYTES", "1 GB"),
        ("SYNDB_LEASE_S", "soon"),
    ],
)
def test_a_setting_that_makes_no_sense(tmp_path: Path, name: str, value: str) -> None:
    complains(
        run(tmp_path, "up", "--data-dir", str(tmp_path / "data"), "--port", "0", **{name: value}), name, value
    )


def test_settings_are_read_from_the_environment(tmp_path: Path) -> None:
    with (
        running_service(tmp_path, JOB_RESULT_TTL_HOURS="0.0002", SYNDB_SWEEP_S="0.2") as live,
        live.http() as http,
    ):
        jobs = Jobs(http)
        job = jobs.run("SELECT 1")
        path = live.data_dir / "results" / job["job_id"]
        wait_until(lambda: not path.exists())
        gone = jobs.result(job)
        assert gone.status_code == 410
        body = gone.json()
        assert body["code"] == "result_expired"
        assert body["rerun"] == f"/v1/jobs/{job['job_id']}/rerun"
        record = jobs.get(job["job_id"])
        assert (record["status"], record["reason"]) == ("completed", "expired")
        assert record["result"]["sha256"] == job["result"]["sha256"]
        assert jobs.until(http.post(body["rerun"]).json())["status"] == "completed"


def test_tokens(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    made = run(tmp_path, "token", "create", "--user", "ada", "--academic", "--days", "30", *data)
    assert made.returncode == 0
    assert len(made.stdout.split()) == 1, "the token alone"
    assert f"A token of ada for the service of {tmp_path / 'data'}." in made.stderr
    assert "--academic" not in made.stderr
    assert "or by --academic" in run(tmp_path, "token", "create", "--user", "bob", *data).stderr
    assert "ada" in run(tmp_path, "token", "list", *data).stdout
    complains(run(tmp_path, "token", "revoke", "nonsense", *data), "nonsense", "token list")
    database = (tmp_path / "data" / "jobs.sqlite").read_bytes()
    assert made.stdout.strip().encode() not in database


def test_datasets_by_command(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "dataset.toml").write_text(
        'id = "0c5a7a34-97d9-4f5c-8a0c-6a0c3b1d7a11"\nname = "mine"\nspecies = "x"\n'
    )
    (folder / "edges.csv").write_text("source,target,weight\na,b,3\nb,a,2\n")
    data = ("--data-dir", str(tmp_path / "data"))
    added = run(tmp_path, "dataset", "add", str(folder), *data)
    assert added.stdout == "0c5a7a34-97d9-4f5c-8a0c-6a0c3b1d7a11\n", added.stderr
    assert "mine" in run(tmp_path, "dataset", "list", *data).stdout
    complains(run(tmp_path, "dataset", "add", str(folder), *data), "mine")
    (folder / "edges.csv").write_text("source,target,weight\na,b,many\n")
    complains(
        run(tmp_path, "dataset", "add", str(folder), "--replace", *data), "edges.csv, row 2", "weight", "many"
    )
    assert run(tmp_path, "dataset", "restrict", "mine", "user:ada", *data).returncode == 0
    assert "user:ada" in run(tmp_path, "dataset", "list", *data).stdout
    assert run(tmp_path, "dataset", "remove", "mine", *data).returncode == 0
    assert "mine" not in run(tmp_path, "dataset", "list", *data).stdout


def test_a_dataset_added_while_it_runs_is_there_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "dataset.toml").write_text('name = "mine"\nspecies = "x"\n')
    (folder / "edges.csv").write_text("source,target,weight\na,b,3\nb,a,2\n")
    with running_service(tmp_path, "--no-demo-data") as live, live.http() as http:
        jobs = Jobs(http)
        assert http.get("/v1/datasets").json() == {"datasets": []}
        assert jobs.table("FROM connections").num_rows == 0
        dataset_id = live.syndb_lab("dataset", "add", str(folder))
        rows = jobs.table(
            f"SELECT * FROM connections WHERE dataset_id = '{dataset_id}' ORDER BY ALL"
        ).to_pylist()
        assert [row["synapse_count"] for row in rows] == [3, 2]
        live.syndb_lab("dataset", "remove", dataset_id)
        assert jobs.table("FROM connections").num_rows == 0


def test_help_says_what_each_command_does() -> None:
    def text(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "syndb_service", *command, "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "READY" in text("up")
    assert "whole or not at all" in text("dataset", "add")
    assert "dataset.toml" in text("dataset", "add")
    for command in ("up", "down", "token", "dataset", "demo"):
        assert command in text()


def test_the_log_is_lines_of_json_with_the_jobs_id_if_asked(tmp_path: Path) -> None:
    with running_service(tmp_path, "--verbose", SYNDB_LOG_FORMAT="json") as live, live.http() as http:
        job = Jobs(http).run("SELECT 1")
        lines = [json.loads(line) for line in (tmp_path / "up.log").read_text().splitlines()]
    assert {"at", "level", "logger", "message"} <= set(lines[0])
    assert any(line.get("job_id") == job["job_id"] for line in lines)
