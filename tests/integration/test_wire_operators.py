"""For operators: readiness by part, figures, request ids, and refusals that keep their form."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from syndb_service.logs import REQUEST_ID, JsonLines, RequestStamp
from tests.support.live_service import Jobs, Live, running_service
from tests.support.waiting import wait_until
from tests.support.wire import ABSENT, CROSS_JOIN, refused, samples, value

PARTS = {"database", "broker", "results", "warehouse", "engine", "threads", "workers", "temporary_files"}


def test_every_part_is_ready(live: Live) -> None:
    answer = httpx.get(f"{live.url}/health/ready")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is True
    assert body["parts"] == {name: {"ok": True, "why": None} for name in PARTS}


def test_the_part_that_is_down_is_named(tmp_path: Path) -> None:
    with running_service(tmp_path) as live:
        shutil.rmtree(live.data_dir / "results")
        (live.data_dir / "results").write_text("in the way")
        wait_until(lambda: httpx.get(f"{live.url}/health/ready").status_code == 503)
        answer = httpx.get(f"{live.url}/health/ready")
        body = refused(answer, 503, "not_ready")
        assert answer.headers["Retry-After"]
        assert "results" in body["detail"]
        assert not body["ready"]
        assert {name for name, part in body["parts"].items() if not part["ok"]} == {"results"}
        assert str(live.data_dir) not in answer.text
        assert httpx.get(f"{live.url}/health").status_code == 200


def test_figures_of_jobs(tmp_path: Path) -> None:
    sweeping = {"SYNDB_SWEEP_S": "0.2", "SYNDB_ORPHAN_SWEEP_S": "0.2", "SYNDB_SCRUB_S": "0.2"}
    with running_service(tmp_path, JOB_QUEUE_MAX_WORKERS="1", **sweeping) as live, live.http() as http:
        jobs = Jobs(http)
        orphan = live.data_dir / "results" / ABSENT / "1"
        orphan.parent.mkdir()
        orphan.write_bytes(b"x" * 321)
        done = jobs.run("SELECT 1")
        jobs.run("SELECT name::INTEGER FROM neurons")
        jobs.run("SELECT 2")
        http.delete(f"/v1/jobs/{done['job_id']}", params={"purge": "true"})
        graph = jobs.until(jobs.submit_graph(jobs.dataset_id("celegans_white_1986")))
        running = jobs.until(jobs.submit(CROSS_JOIN), "running")
        waiting = jobs.submit("SELECT 3")

        def settled() -> bool:
            found = samples(http)
            return value(found, "syndb_jobs_queued") == value(found, "syndb_jobs_running") == 1

        wait_until(settled)
        found = samples(http)
        assert value(found, "syndb_queue_oldest_seconds") > 0
        completed = {"status": "completed", "reason": ""}
        assert value(found, "syndb_jobs_ended_total", kind="query", **completed) == 2
        assert value(found, "syndb_jobs_ended_total", kind="graph", **completed) == 1
        assert value(found, "syndb_jobs_ended_total", status="failed", reason="invalid_query") == 1
        assert value(found, "syndb_job_seconds_count", stage="running", kind="query") == 3
        assert value(found, "syndb_job_seconds_count", stage="queued", kind="query") == 4
        assert value(found, "syndb_job_seconds_sum", stage="running", kind="graph") > 0
        assert value(found, "syndb_results_swept_bytes_total") == done["result"]["bytes"]
        assert value(found, "syndb_results_stored") == 2
        assert value(found, "syndb_results_stored_bytes") > graph["result"]["bytes"]
        assert value(found, "syndb_job_retries_total") == 0
        assert value(found, "syndb_database_up") == 1
        wait_until(lambda: value(samples(http), "syndb_orphans_swept_bytes_total") == 321)
        assert value(samples(http), "syndb_orphans_swept_total") == 1
        assert not orphan.exists()
        assert value(samples(http), "syndb_results_damaged", reason="result_damaged") == 0
        os.truncate(live.data_dir / "results" / graph["job_id"] / "1", 10)
        wait_until(lambda: value(samples(http), "syndb_results_damaged", reason="result_damaged") == 1)
        assert jobs.get(graph["job_id"])["reason"] == "result_damaged", "nobody has asked for it"
        jobs.until(http.delete(f"/v1/jobs/{running['job_id']}").json())
        jobs.until(waiting)
        wait_until(lambda: value(samples(http), "syndb_jobs_ended_total", status="cancelled") == 1)


def test_figures_of_requests(jobs: Jobs) -> None:
    of_this = {"method": "GET", "route": "/v1/jobs/{job_id}", "status": "404"}
    before = value(samples(jobs.http), "syndb_http_requests_total", **of_this)
    for job_id in (ABSENT, "nonsense"):
        jobs.http.get(f"/v1/jobs/{job_id}")
    after = samples(jobs.http)
    assert value(after, "syndb_http_requests_total", **of_this) == before + 2
    assert not [labels for name, labels in after if "nonsense" in str(labels)]
    jobs.http.get("/v2/anything")
    assert value(samples(jobs.http), "syndb_http_requests_total", route="none", status="404") >= 1


METRICS_PAGE = Path(__file__).parents[2] / "docs" / "operators" / "metrics.md"


def test_every_figure_that_operators_are_told_to_watch_is_there(jobs: Jobs) -> None:
    named = set(re.findall(r"\bsyndb_\w+", METRICS_PAGE.read_text()))
    labels = set(re.findall(r'(\w+)!?=~?"', METRICS_PAGE.read_text())) - {"job"}
    assert len(named) > 10
    jobs.run("SELECT 1 AS n")
    jobs.run("SELECT error('no')")
    found, until = samples(jobs.http), time.monotonic() + 120
    while named - {name for name, _ in found} and time.monotonic() < until:
        time.sleep(0.1)  # a reading is kept for a while
        found = samples(jobs.http)
    assert named - {name for name, _ in found} == set()
    assert labels - {label for _, having in found for label, _ in having} == set()
    assert value(found, "syndb_http_request_seconds_count", method="POST", route="/v1/jobs") > 0
    assert value(found, "syndb_job_seconds_count", stage="queued") > 0
    assert value(found, "syndb_job_seconds_count", stage="running") > 0


def test_figures_are_for_who_has_a_token(live: Live) -> None:
    assert httpx.get(f"{live.url}/metrics").status_code == 401
    with live.http(live.make_token("prometheus", academic=False)) as http:
        assert http.get("/metrics").status_code == 200
        openmetrics = http.get("/metrics", headers={"Accept": "application/openmetrics-text"})
        assert openmetrics.text.endswith("# EOF\n")


def test_a_request_keeps_its_id(jobs: Jobs) -> None:
    answer = jobs.http.get("/v1/jobs", headers={"X-Request-Id": "notebook-7:cell.3"})
    assert answer.headers["X-Request-Id"] == "notebook-7:cell.3"
    made = {jobs.http.get("/v1/jobs").headers["X-Request-Id"] for _ in range(2)}
    assert len(made) == 2
    for forged in ("a b", "x" * 129, "é", '"><script>', ""):
        answer = jobs.http.get("/v1/jobs", headers={"X-Request-Id": forged.encode()})
        assert answer.headers["X-Request-Id"] != forged


def test_every_answer_has_an_id(live: Live, jobs: Jobs) -> None:
    for answer in (
        httpx.get(f"{live.url}/v1/jobs"),
        jobs.http.get("/nowhere"),
        jobs.http.put("/v1/jobs"),
        jobs.http.post("/v1/jobs", content=b"x" * 10_000_000),
    ):
        assert answer.headers["X-Request-Id"]


def test_requests_are_logged_with_their_job(tmp_path: Path) -> None:
    with running_service(tmp_path, "--verbose") as live, live.http() as http:
        jobs = Jobs(http)
        job = jobs.run("SELECT 1")
        http.get("/v1/jobs/%0d%0aforged")
    log = (tmp_path / "up.log").read_text()
    assert f"GET /v1/jobs/{job['job_id']} 200" in log
    assert r"/v1/jobs/\x0d\x0aforged 404" in log
    assert not [line for line in log.splitlines() if line.startswith("forged")]


def test_a_log_record_is_a_line_of_json() -> None:
    record = logging.makeLogRecord({"msg": "job %s\nended", "args": ("x",), "job_id": "x", "attempt": 2})
    token = REQUEST_ID.set("r-1")
    try:
        assert RequestStamp().filter(record)
    finally:
        REQUEST_ID.reset(token)
    line = JsonLines().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["job_id"], told["attempt"], told["request_id"]) == ("x", 2, "r-1")
    assert told["message"] == "job x\nended"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs", "GET, POST"),
        ("POST", f"/v1/jobs/{ABSENT}", "DELETE, GET, PATCH"),
        ("DELETE", f"/v1/jobs/{ABSENT}/result", "GET, HEAD"),
        ("PATCH", "/health", "GET"),
    ],
)
def test_a_method_that_is_none_names_those_that_are(jobs: Jobs, method: str, path: str, allowed: str) -> None:
    answer = jobs.http.request(method, path)
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/v1/jobs/", "/", "/v1", "/v1/jobs/a/b/c", "/docs", "/v1/jobs/%00%0a%1b[31m"]
)
def test_paths_from_nowhere(jobs: Jobs, path: str) -> None:
    answer = jobs.http.get(path)
    body = refused(answer, 404, answer.json()["code"])
    assert all(
        character.isprintable() for text in body.values() if isinstance(text, str) for character in text
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"query": "SELECT 1\\u0000", "label": "\\u001b[31m"}', 422),
        (b'{"query": "SELECT 1\\u0000"}', 400),
        (b'{"query": "SELECT \\u001b[31m"}', 400),
        (b"\xff\xfe", 422),
        (b'{"query": "SELECT 1", "parameters": {"x": NaN}}', 422),
        (b'{"query": "SELECT 1", "time_limit_s": Infinity}', 422),
        (b'{"query": "\\ud800"}', 400),
        (b'{"query": "SELECT 1", "label": "\\ud800"}', 422),
        (b'{"query": "SELECT $x", "parameters": {"x": "\\ud800"}}', 422),
        (b'{"query": "SELECT $x", "parameters": {"x": 1, "\\ud800": 1}}', 422),
        (b'{"query": "SELECT 1", "reuse": 1}', 422),
        (b"[" * 100_000, 422),
    ],
)
def test_bodies_that_mean_harm(jobs: Jobs, body: bytes, status: int) -> None:
    answer = jobs.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    told = refused(answer, status, answer.json()["code"])
    assert told["detail"].isprintable()
    checked = jobs.http.post("/v1/jobs/validate", content=body)
    assert checked.status_code in (200, status), checked.text
    if status == 400:
        assert not checked.json()["valid"]
        assert told["hint"]


@pytest.mark.parametrize("wait", ["nan", "inf", "-1", "61", "soon", "1e400"])
def test_waits_that_make_no_sense(jobs: Jobs, wait: str) -> None:
    refused(jobs.http.get(f"/v1/jobs/{ABSENT}", params={"wait": wait}), 422, "invalid_request")


@pytest.mark.parametrize(
    "cursor",
    [
        "nowhere",
        "W10=",
        "bnVsbA==",
        "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjAwIiwiMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAwIl0=",
        "W1tbW1tb" * 3000,
        "é",
    ],
)
def test_cursors_from_nowhere(jobs: Jobs, cursor: str) -> None:
    answer = jobs.http.get("/v1/jobs", params={"cursor": cursor})
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        assert "cursor" in refused(answer, 422, "invalid_cursor")["detail"]


def test_a_raw_request_with_half_a_body(live: Live) -> None:
    """A client that goes away in the middle harms nobody."""
    host, port = live.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert httpx.get(f"{live.url}/health").status_code == 200


def submit(jobs: Jobs, path: str, body: Any, key: str) -> httpx.Response:
    return jobs.http.post(path, json=body, headers={"Idempotency-Key": key})


def test_a_key_makes_one_job_of_every_kind(jobs: Jobs) -> None:
    dataset = jobs.dataset_id("celegans_white_1986")
    query, graph = {"query": "SELECT 1"}, {"dataset_id": dataset}
    first = submit(jobs, "/v1/jobs", query, "key-of-a-query")
    again = submit(jobs, "/v1/jobs", query, "key-of-a-query")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert again.headers["Location"] == first.headers["Location"]
    refused(submit(jobs, "/v1/jobs", {"query": "SELECT 2"}, "key-of-a-query"), 409, "idempotency_conflict")
    refused(submit(jobs, "/v1/jobs/graph", graph, "key-of-a-query"), 409, "idempotency_conflict")
    one = submit(jobs, "/v1/jobs/graph", graph, "key-of-a-graph")
    assert submit(jobs, "/v1/jobs/graph", graph, "key-of-a-graph").json()["job_id"] == one.json()["job_id"]
    other = submit(jobs, "/v1/jobs/graph", graph | {"top_hubs": 3}, "key-of-a-graph")
    refused(other, 409, "idempotency_conflict")
    rerun = f"/v1/jobs/{first.json()['job_id']}/rerun"
    ran = submit(jobs, rerun, None, "key-of-a-rerun")
    same = submit(jobs, rerun, None, "key-of-a-rerun")
    assert (ran.status_code, same.status_code) == (202, 200)
    assert ran.json()["job_id"] == same.json()["job_id"] != first.json()["job_id"]
    assert ran.json()["rerun_of"] == first.json()["job_id"]
    refused(
        submit(jobs, f"{one.headers['Location']}/rerun", None, "key-of-a-rerun"), 409, "idempotency_conflict"
    )


def test_a_key_gives_its_job_whatever_has_changed_since(jobs: Jobs, live: Live, tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text('name = "soon_gone"\nspecies = "Danio rerio"\n')
    (tmp_path / "connections.csv").write_text("pre,post\nA,B\n")
    dataset = live.syndb_lab("dataset", "add", str(tmp_path))
    stored = jobs.run("SELECT 41 AS n")
    sent = [
        ("/v1/jobs", {"query": f"SELECT name FROM neurons WHERE dataset_id = '{dataset}'"}),
        ("/v1/jobs", {"query": f"SELECT n + 1 FROM {{{{{stored['job_id']}}}}}"}),
        ("/v1/jobs/graph", {"dataset_id": dataset, "analysis": "metrics"}),
        (f"/v1/jobs/{stored['job_id']}/rerun", None),
    ]
    first = [submit(jobs, path, body, f"changed-{number}") for number, (path, body) in enumerate(sent)]
    assert [answer.status_code for answer in first] == [202] * 4
    for answer in first:
        jobs.until(answer.json())
    live.syndb_lab("dataset", "remove", dataset)
    jobs.http.delete(f"/v1/jobs/{stored['job_id']}", params={"purge": True})
    jobs.http.patch(f"/v1/jobs/{stored['job_id']}", json={"label": "renamed"})
    again = [submit(jobs, path, body, f"changed-{number}") for number, (path, body) in enumerate(sent)]
    assert [answer.status_code for answer in again] == [200] * 4, [answer.text for answer in again]
    assert [answer.json()["job_id"] for answer in again] == [answer.json()["job_id"] for answer in first]
    assert [jobs.http.post(path, json=body).status_code for path, body in sent] == [400, 400, 404, 202]
    refused(submit(jobs, "/v1/jobs", {"query": "SELEC"}, "changed-0"), 409, "idempotency_conflict")


def test_a_key_is_its_owners(jobs: Jobs, stranger: Jobs) -> None:
    mine = submit(jobs, "/v1/jobs", {"query": "SELECT 'mine'"}, "common-key")
    theirs = submit(stranger, "/v1/jobs", {"query": "SELECT 'theirs'"}, "common-key")
    assert (mine.status_code, theirs.status_code) == (202, 202)
    long = submit(jobs, "/v1/jobs", {"query": "SELECT 1"}, "x" * 256)
    refused(long, 422, "invalid_request")
