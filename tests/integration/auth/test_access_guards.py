"""What stands before the routes: rates, headers, origins, and the audit trail."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live_service import Jobs, Live, running_service
from tests.support.restricted_dataset import People
from tests.support.wire import ABSENT, refused

ORIGIN = "https://lab.example.edu"
WINDOW_S = 60
REQUESTS = 150


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    settings = {
        "SYNDB_RATE_REQUESTS": str(REQUESTS),
        "SYNDB_RATE_WINDOW_S": str(WINDOW_S),
        "SYNDB_CORS_ORIGINS": ORIGIN,
        "SYNDB_LOG_FORMAT": "json",
    }
    with running_service(tmp_path_factory.mktemp("guards"), **settings) as live:
        everybody = People(live)
        yield everybody
        everybody.close()


def trail(live: Live) -> list[dict[str, Any]]:
    """Return the records of the audit trail so far."""
    lines = (live.data_dir.parent / "up.log").read_text().splitlines()
    return [told for told in map(json.loads, lines) if told["logger"] == "syndb.audit"]


@dataclass(frozen=True)
class Answer:
    """An answer, by a client so light that the service is what is slow."""

    status: int
    retry_after: str | None
    body: bytes


def flood(live: Live, token: str, enough: Callable[[int], bool]) -> list[Answer]:
    """Ask from eight connections, as fast as it goes, until so many answers are enough."""
    host, port = live.url.removeprefix("http://").split(":")
    answers: list[Answer] = []

    def ask(_: int) -> None:
        connection = HTTPConnection(host, int(port), timeout=90)
        while not enough(len(answers)):
            connection.request("GET", "/v1/jobs?limit=1", headers={"Authorization": f"Bearer {token}"})
            got = connection.getresponse()
            answers.append(Answer(got.status, got.headers["Retry-After"], got.read()))
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    return answers


def test_a_flood_from_one_token_leaves_another_user_undisturbed(people: People) -> None:
    """The flood goes on until the other one's jobs are done; none of their requests is turned away."""
    live, quiet = people.live, people("quiet")
    noisy = live.make_token("noisy")
    done: list[str] = []

    def work() -> None:
        done.extend(quiet.run("SELECT count(*) FROM neurons")["status"] for _ in range(3))

    worker = threading.Thread(target=work)
    worker.start()
    began = time.monotonic()
    answers = flood(live, noisy, lambda count: count >= 1000 and not worker.is_alive())
    worker.join()
    assert done == ["completed"] * 3
    statuses = [answer.status for answer in answers]
    assert set(statuses) == {200, 429}
    windows = 2 + (time.monotonic() - began) // WINDOW_S
    assert statuses.count(200) <= windows * REQUESTS
    turned_away = next(answer for answer in answers if answer.status == 429)
    assert json.loads(turned_away.body)["code"] == "rate_limited"
    assert 1 <= int(turned_away.retry_after or 0) <= WINDOW_S
    assert {each["who"] for each in trail(live) if each.get("code") == "rate_limited"} == {"noisy"}


def test_several_tokens_of_one_user_count_together(people: People) -> None:
    live = people.live
    tokens = [live.make_token("many") for _ in range(2)]
    assert 429 in {answer.status for answer in flood(live, tokens[0], lambda count: count >= 200)}
    assert 429 in {answer.status for answer in flood(live, tokens[1], lambda count: count >= 100)}


def test_every_answer_has_the_headers(people: People) -> None:
    jobs = people("headers")
    job = jobs.run("SELECT 1")
    for answer in (
        jobs.http.get("/health"),
        jobs.http.get(f"/v1/jobs/{job['job_id']}"),
        jobs.result(job),
        jobs.http.get("/nowhere"),
        jobs.http.post("/v1/jobs", content=b"x" * 10_000_000),
        httpx.get(f"{people.live.url}/v1/jobs"),
    ):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "server" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert jobs.http.get(f"/v1/jobs/{job['job_id']}").headers["Cache-Control"] == "no-store"
    assert jobs.result(job).headers["Cache-Control"] == "private"


def test_only_the_origins_that_are_set_may_read(people: People, live: Live) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    with people.live.http() as http:
        allowed = http.options("/v1/jobs", headers={"Origin": ORIGIN, **asks})
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        assert (
            http.get("/v1/jobs", headers={"Origin": ORIGIN}).headers["Access-Control-Allow-Origin"] == ORIGIN
        )
        for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example"):
            for answer in (
                http.options("/v1/jobs", headers={"Origin": origin, **asks}),
                http.get("/v1/jobs", headers={"Origin": origin}),
            ):
                assert "Access-Control-Allow-Origin" not in answer.headers
    with live.http() as http:
        answer = http.get("/v1/jobs", headers={"Origin": ORIGIN})
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_every_job_and_every_refusal_leaves_a_line(people: People) -> None:
    live, jobs = people.live, people("audited")
    job = jobs.run("SELECT 'a secret text' AS text")
    jobs.result(job)
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    jobs.http.get(f"/v1/jobs/{ABSENT}")
    jobs.http.post("/v1/jobs", json={"query": "DROP TABLE neurons"})
    httpx.get(f"{live.url}/v1/jobs", headers={"Authorization": "Bearer not-one-of-ours"})
    with live.http(live.make_token("outsider", academic=False)) as http:
        http.get("/v1/datasets")
    for _ in range(100):  # a line is written when its answer has been sent
        told = trail(live)
        if [each for each in told if each.get("who") == "outsider"]:
            break
        time.sleep(0.05)
    mine = {
        (each["what"], each["outcome"], each.get("code")) for each in told if each.get("who") == "audited"
    }
    assert {
        ("POST /v1/jobs", "accepted", None),
        ("job attempt ended", "done", None),
        (f"GET /v1/jobs/{job['job_id']}/result", "accepted", None),
        (f"DELETE /v1/jobs/{job['job_id']}", "accepted", None),
        (f"GET /v1/jobs/{ABSENT}", "refused", "job_not_found"),
        ("POST /v1/jobs", "refused", "invalid_query"),
    } <= mine
    assert {each["job_id"] for each in told if each.get("who") == "audited" and "job_id" in each} >= {
        job["job_id"]
    }
    assert [each for each in told if each.get("who") is None and each.get("status") == 401]
    assert [each for each in told if each.get("who") == "outsider" and each.get("status") == 403]


def test_no_secret_is_in_the_log(people: People) -> None:
    live = people.live
    query = "SELECT 'sentinel-in-sql' AS x"
    people("logged").run(query)
    httpx.get(f"{live.url}/v1/jobs?token={live.token}", headers={"Authorization": "Bearer sentinel-bearer"})
    log = (live.data_dir.parent / "up.log").read_text()
    assert log
    for secret in (live.token, "sentinel-bearer", "sentinel-in-sql"):
        assert secret not in log
    assert not re.search(r"syndb_[A-Za-z0-9_-]{40,}", log)


def test_nothing_of_a_label_or_a_name_reaches_a_header(people: People) -> None:
    jobs = people("labels")
    for label in ("a\r\nX-Evil: 1", "a\nb", "a\x00b"):
        answer = jobs.http.post("/v1/jobs", json={"query": "SELECT 1", "label": label})
        refused(answer, 422, "invalid_request")
        assert "X-Evil" not in answer.headers
    job = jobs.run("SELECT 1", label='x"; filename="../../evil.exe')
    answer = jobs.result(job)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job["job_id"]}.arrow"'
    sent = jobs.http.get("/v1/jobs", headers={"X-Request-Id": "evil\tid", "Idempotency-Key": "x"})
    assert sent.headers["X-Request-Id"] != "evil\tid"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"query": "SELECT $a", "parameters": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
        b'{"query": "SELECT $a", "parameters": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"query": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
    ids=["open lists", "open objects", "lists", "objects", "shallow"],
)
def test_deep_json(people: People, body: bytes) -> None:
    answer = people("deep").http.post("/v1/jobs", content=body)
    assert answer.status_code in (400, 422), answer.text
    refused(answer, answer.status_code, answer.json()["code"])


TOKENS = [
    "x",
    "syndb_",
    "Bearer",
    "a.b.c",
    "é",
    "x" * 10_000,
    "' OR 1=1 --",
    "\x7f",
    "..",
    "syndb_" + "A" * 43,
    f"https://cilogon.org/oauth2/{'0' * 32}?type=accessToken&ts=1683061597117&version=v2.0&lifetime=900000",
]


@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
def test_tokens_that_are_none(people: People, token: str) -> None:
    value = f"Bearer {token}".encode()
    answer = httpx.get(f"{people.live.url}/v1/jobs", headers={"Authorization": value})
    refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_was_cut_or_changed(people: People) -> None:
    token = people.live.token
    for wrong in (token[:-1], token[1:], token.swapcase(), token + "A", token.removeprefix("syndb_")):
        answer = httpx.get(f"{people.live.url}/v1/jobs", headers={"Authorization": f"Bearer {wrong}"})
        refused(answer, 401, "unauthenticated")
    for scheme in ("Basic", "Token", "Negotiate"):
        answer = httpx.get(f"{people.live.url}/v1/jobs", headers={"Authorization": f"{scheme} {token}"})
        refused(answer, 401, "unauthenticated")


def test_tokens_live_and_die(people: People, tmp_path: Path) -> None:
    live = people.live
    short = live.syndb_lab("token", "create", "--user", "brief", "--academic", "--days", "0.00001")
    first, second = live.make_token("twin"), live.make_token("twin")
    rows = {
        line.split()[0]: line for line in live.syndb_lab("token", "list").splitlines() if " twin " in line
    }
    assert len(rows) == 2
    with live.http(first) as http:
        assert http.get("/v1/jobs").status_code == 200
    used = [line for line in live.syndb_lab("token", "list").splitlines() if " twin " in line]
    gone = next(line.split()[0] for line in used if line != rows[line.split()[0]])
    live.syndb_lab("token", "revoke", gone)
    with live.http(first) as http:
        assert "revoked" in refused(http.get("/v1/jobs"), 401, "unauthenticated")["detail"]
    with live.http(second) as http:
        assert http.get("/v1/jobs").status_code == 200
    with live.http(short) as http:
        assert "expired" in refused(http.get("/v1/jobs"), 401, "unauthenticated")["detail"]
    stored = (live.data_dir / "jobs.sqlite").read_bytes()
    assert second.encode() not in stored
    assert second.removeprefix("syndb_").encode() not in stored


def test_jobs_of_a_revoked_token_stay_the_users(people: People) -> None:
    job = people("headers").run("SELECT 1")
    with people.live.http(people.live.make_token("headers")) as http:
        assert Jobs(http).get(job["job_id"])["job_id"] == job["job_id"]
