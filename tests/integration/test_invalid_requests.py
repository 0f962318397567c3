"""Bad input: each a clear refusal that changes nothing."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.support.live_service import Jobs, Live
from tests.support.wire import ABSENT, count, refused

BEFORE_TIME = "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIjZlMWYwYTUyLTBiN2MtNGMxZS05ZDBlLTBhNGYyZjBjN2IxMSJd"


@pytest.fixture
def unchanged(jobs: Jobs) -> Any:
    before = count(jobs)
    yield
    assert count(jobs) == before


SQL: list[tuple[str, tuple[int, int] | None, str, str | None]] = [
    ("SELECT name,\n  neuron_id, FROM FROM neurons", (2, 19), "syntax error", "commas"),
    ("SELEC 1", (1, 1), "syntax error", None),
    ("SELECT 'é',\n       nme FROM neurons", (2, 8), "nme", "name"),
    ("SELECT * FROM neuron", (1, 15), "no table 'neuron'", "neurons"),
    ("SELECT count(pre_neuron) FROM synapses", (1, 14), "pre_neuron", "pre_neuron_id"),
    ("SELECT n.nme FROM neurons AS n", (1, 8), "nme", "name"),
    ("SELECT medin(neuron_id) FROM neurons", (1, 8), "medin", "median"),
    ("SELECT 1; SELECT 2", (1, 11), "2 statements", "of its own"),
    ("  SELECT 1 ;;\n-- one more\n  SELECT 1", (3, 3), "2 statements", "of its own"),
    ("\n SELECT ';' ;; -- and\n\n  SELECT 2; SELECT 3", (4, 3), "3 statements", "of its own"),
    ("SELECT name FROM neurons QUALIFY bogus = 1", (1, 34), "bogus", None),
    ('SELECT name FROM neurons WHERE cell_class = "motor"', (1, 45), "motor", "'motor'"),
    ("SELECT neurons.name FROM neurons AS n", (1, 8), "neurons", '"n"'),
    ("SELECT CAST(name AS BIGIT) FROM neurons", (1, 21), "BIGIT", "BIGINT"),
    ("SELECT synapse_count FROM neurons", (1, 8), "synapse_count", None),
    ("SELECT upper() FROM neurons", (1, 8), "upper", "between its brackets"),
    ("FROM information_schema.tables", (1, 6), "without a schema", "The tables are"),
    ("SHOW TABLES", (1, 1), "SHOW", "neurons"),
    ("INSERT INTO neurons VALUES (1)", (1, 1), "INSERT is not a query", "SELECT"),
    ("-- a comment\nDROP VIEW neurons", (2, 1), "DROP is not a query", "SELECT"),
    ("COPY neurons TO 'x.csv'", (1, 1), "COPY is not a query", "SELECT"),
    ("ATTACH 'x.db' AS x", (1, 1), "ATTACH is not a query", "SELECT"),
    ("PRAGMA version", (1, 1), "PRAGMA is not a query", "SELECT"),
    ("SET threads = 64", (1, 1), "SET is not a query", "SELECT"),
    ("WITH t AS (DELETE FROM neurons RETURNING *) FROM t", None, "DELETE", "SELECT"),
    ("WITH t AS (COPY (SELECT 1) TO 'x.csv') FROM t", None, "COPY", "SELECT"),
    ("SELECT * FROM read_csv('/etc/passwd')", (1, 15), "read_csv", None),
    ("SELECT * FROM '/etc/passwd'", (1, 15), "/etc/passwd", None),
    ("SELECT * FROM read_parquet('http://127.0.0.1:1/x')", (1, 15), "read_parquet", None),
    ("SELECT getenv('HOME')", (1, 8), "getenv", None),
    ("FROM duckdb_settings()", (1, 6), "duckdb_settings", None),
    ("FROM information_schema.tables", (1, 6), "information_schema.tables", None),
    ("", (1, 1), "empty", "SELECT"),
    ("   \n ", (1, 1), "empty", "SELECT"),
    ("-- nothing", (1, 1), "empty", None),
    ("SELECT 1 AS a, $b", None, "$b", "parameters"),
    ("SELECT $missing", None, "$missing", "parameters"),
    ("SELECT neuron_id FROM neurons GROUP BY name", (1, 8), "GROUP BY", None),
    ("SELECT " + "(" * 3000 + "1" + ")" * 3000, None, "", None),
    ("SELECT 1" + " + 1" * 20_000, None, "", None),
]


@pytest.mark.parametrize(("query", "place", "says", "advises"), SQL, ids=[case[0][:40] for case in SQL])
@pytest.mark.usefixtures("unchanged")
def test_sql_that_is_refused(
    jobs: Jobs, query: str, place: tuple[int, int] | None, says: str, advises: str | None
) -> None:
    body = refused(jobs.http.post("/v1/jobs", json={"query": query}), 400, "invalid_query")
    assert says in body["detail"]
    if place is not None:
        assert (body["line"], body["column"]) == place
    if advises is not None:
        assert advises in body["hint"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("celegans_varshney_2011", "Write '"),
        ("5ef66999-3c1e-5aa8-a230-f5aa22f3a1d9", "celegans_varshney_2011"),
        ("worm", None),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_dataset_id_that_is_none(jobs: Jobs, given: str, hint: str | None) -> None:
    query = f"SELECT *\nFROM neurons WHERE dataset_id IN ('{given}')"
    body = refused(jobs.http.post("/v1/jobs", json={"query": query}), 400, "unknown_dataset")
    assert given in body["detail"]
    assert (body["line"], body["column"]) == (2, 35)
    assert hint is None or hint in body["hint"]


def test_json_is_read_whatever_its_content_type_says(jobs: Jobs) -> None:
    answer = jobs.http.post(
        "/v1/jobs",
        content=b'{"query": "SELECT 1"}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 202


@pytest.mark.usefixtures("unchanged")
def test_a_query_of_two_megabytes(jobs: Jobs) -> None:
    query = "SELECT 1 -- " + "x" * 2_000_000
    body = refused(jobs.http.post("/v1/jobs", json={"query": query}), 413, "too_large")
    assert "2,000,012" in body["detail"]
    assert body["hint"]


@pytest.mark.usefixtures("unchanged")
def test_a_body_of_ten_megabytes(jobs: Jobs) -> None:
    refused(jobs.http.post("/v1/jobs", content=b"x" * 10_000_000), 413, "too_large")

    def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 100_000

    refused(jobs.http.post("/v1/jobs", content=chunks()), 413, "too_large")


@pytest.mark.parametrize(
    "content",
    [
        b'{"query": "\xff\xfe"}',
        b"[" * 100_000,
        b'{"query": "SELECT $a", "parameters": {"a": ' + b"9" * 5000 + b"}}",
        gzip.compress(b'{"query": "SELECT 1"}', mtime=0),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_can_not_be_read_says_why(jobs: Jobs, content: bytes) -> None:
    body = refused(jobs.http.post("/v1/jobs", content=content), 422, "invalid_request")
    assert "UTF-8" in body["detail"]
    assert "compression" in body["hint"]


@pytest.mark.usefixtures("unchanged")
def test_half_a_character_in_a_parameter(jobs: Jobs) -> None:
    content = rb'{"query": "SELECT $a", "parameters": {"a": ["\ud800"]}}'
    body = refused(jobs.http.post("/v1/jobs", content=content), 422, "invalid_request")
    assert "a: the text holds a broken character" in body["detail"]


BODIES: list[tuple[str, Any, str]] = [
    ("/v1/jobs", {"query": "SELECT 1", "format": "xlsx"}, "format"),
    ("/v1/jobs", {"query": "SELECT 1", "formt": "csv"}, "formt"),
    ("/v1/jobs", {"format": "csv"}, "query"),
    ("/v1/jobs", {"query": 7}, "query"),
    ("/v1/jobs", {"query": "SELECT 1", "label": "x" * 300}, "label"),
    ("/v1/jobs", {"query": "SELECT 1", "time_limit_s": -1}, "time_limit_s"),
    ("/v1/jobs", {"query": "SELECT 1", "time_limit_s": 1e9}, "time_limit_s"),
    ("/v1/jobs", {"query": "SELECT $a", "parameters": {"a": {"b": 1}}}, "a: a number"),
    (
        "/v1/jobs",
        {"query": "SELECT $a", "parameters": {"a": [1, 2**127]}},
        "a: an integer of at most 128 bits",
    ),
    ("/v1/jobs", [1, 2], "body"),
    ("/v1/jobs/graph", {"dataset_id": "celegans"}, "dataset_id"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "analysis": "best"}, "analysis"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "min_synapses": 0}, "min_synapses"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "min_synapses": 1.5}, "min_synapses"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "max_edges": 0}, "max_edges"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "top_hubs": -1}, "top_hubs"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "seed": "x"}, "seed"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "seed": 2**64}, "seed"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "neuron_ids": [str(2**63)]}, "64 bits"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "neuron_ids": [-(2**63) - 1]}, "64 bits"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "neuron_ids": ["AVAL"]}, "neuron_ids[0]: an id is needed"),
    ("/v1/jobs/graph", {"dataset_id": ABSENT, "neuron_ids": [1, True]}, "neuron_ids[1]: an id is needed"),
    ("/v1/jobs", {"query": "SELECT $a", "parameters": {"a": 2**127}}, "a: an integer of at most 128 bits"),
    ("/v1/jobs", {"query": "SELECT $a", "parameters": {"a": [1, -(10**41)]}}, "a: an integer of at most"),
]


@pytest.mark.parametrize(("route", "body", "names"), BODIES)
@pytest.mark.usefixtures("unchanged")
def test_bodies_that_make_no_sense(jobs: Jobs, route: str, body: Any, names: str) -> None:
    answer = jobs.http.post(route, json=body)
    assert answer.status_code == 422, answer.text
    assert names in refused(answer, 422, answer.json()["code"])["detail"]


@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_no_json(jobs: Jobs) -> None:
    refused(
        jobs.http.post("/v1/jobs", content=b"{'query'", headers={"Content-Type": "application/json"}),
        422,
        "invalid_request",
    )


@pytest.mark.usefixtures("unchanged")
def test_an_unknown_dataset(jobs: Jobs) -> None:
    body = refused(jobs.http.post("/v1/jobs/graph", json={"dataset_id": ABSENT}), 404, "unknown_dataset")
    assert body["hint"]
    refused(jobs.http.get(f"/v1/datasets/{ABSENT}"), 404, "unknown_dataset")
    refused(jobs.http.get("/v1/datasets/worm"), 422, "invalid_dataset_id")


@pytest.mark.parametrize("path", ["", "/result"])
@pytest.mark.parametrize("job_id", [ABSENT, "nonsense", "..%2f..%2fetc"])
def test_no_such_job(jobs: Jobs, job_id: str, path: str) -> None:
    answer = jobs.http.get(f"/v1/jobs/{job_id}{path}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_someone_elses_job_looks_like_none(jobs: Jobs, stranger: Jobs) -> None:
    job = jobs.run("SELECT 1")
    theirs = stranger.http.get(f"/v1/jobs/{job['job_id']}")
    missing = stranger.http.get(f"/v1/jobs/{ABSENT}")
    body, other = refused(theirs, 404, "job_not_found"), refused(missing, 404, "job_not_found")
    assert body["detail"].replace(job["job_id"], "") == other["detail"].replace(
        str(missing.url).rsplit("/", 1)[1], ""
    )
    refused(stranger.result(job), 404, "job_not_found")
    refused(stranger.http.delete(f"/v1/jobs/{job['job_id']}"), 404, "job_not_found")
    refused(stranger.http.post(f"/v1/jobs/{job['job_id']}/rerun"), 404, "job_not_found")
    assert job["job_id"] not in stranger.http.get("/v1/jobs").text
    assert jobs.get(job["job_id"]) == job


def test_a_result_asked_too_early_after_a_cancel_and_after_a_failure(jobs: Jobs) -> None:
    job = jobs.submit(
        "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3"
    )
    early = jobs.result(job)
    assert "Retry-After" in early.headers
    assert "wait=" in refused(early, 409, "result_not_ready")["hint"]
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    jobs.until(jobs.get(job["job_id"]))
    cancelled = jobs.result(job)
    assert "Retry-After" not in cancelled.headers
    assert "rerun" in refused(cancelled, 409, "job_cancelled")["hint"]
    failed = jobs.run("SELECT name::INTEGER FROM neurons")
    assert "Could not convert" in refused(jobs.result(failed), 409, "job_failed")["detail"]


def test_a_failure_says_where_in_the_sql(jobs: Jobs) -> None:
    failed = jobs.run("SELECT 1,\n       name::INTEGER FROM neurons")
    assert failed["status"] == "failed"
    assert failed["reason"] == "invalid_query"
    assert failed["error"]["line"] == 2
    assert failed["error"]["message"] == failed["error_message"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "needed"),
        ("Bearer", "needed"),
        ("Bearer syndb_wrong", "unknown"),
        ("Basic dXNlcjpwYXNz", "needed"),
    ],
)
@pytest.mark.parametrize("route", ["/v1/jobs", "/v1/datasets", f"/v1/jobs/{ABSENT}"])
def test_no_valid_token(live: Live, header: str | None, says: str, route: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = httpx.get(live.url + route, headers=headers)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert says in refused(answer, 401, "unauthenticated")["detail"]


@pytest.mark.parametrize("route", ["/v1/jobs", "/v1/datasets"])
def test_a_token_without_academic_verification(live: Live, route: str) -> None:
    with live.http(live.make_token("layman", academic=False)) as http:
        refused(http.get(route), 403, "academic_verification_required")
        refused(http.post("/v1/jobs", json={"query": "SELECT 1"}), 403, "academic_verification_required")


def test_a_revoked_token(live: Live) -> None:
    token = live.make_token("leaver")
    with live.http(token) as http:
        assert http.get("/v1/jobs").status_code == 200
        line = next(line for line in live.syndb_lab("token", "list").splitlines() if "leaver" in line)
        live.syndb_lab("token", "revoke", line.split()[0])
        assert "revoked" in refused(http.get("/v1/jobs"), 401, "unauthenticated")["detail"]
    assert token not in live.syndb_lab("token", "list")


def test_routes_that_are_none(jobs: Jobs) -> None:
    refused(jobs.http.get("/v2/jobs"), 404, "not_found")
    refused(jobs.http.put("/v1/jobs"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"cursor": BEFORE_TIME},
        {"limit": 501},
        {"status": "done"},
        {"kind": "x"},
        {"cursor": "nowhere"},
        {"created_after": "x"},
    ],
)
def test_lists_asked_wrongly(jobs: Jobs, params: dict[str, Any]) -> None:
    answer = jobs.http.get("/v1/jobs", params=params)
    assert answer.status_code == 422
    assert next(iter(params)) in answer.json()["detail"]


def test_a_wait_of_a_year(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    answer = jobs.http.get(f"/v1/jobs/{job['job_id']}", params={"wait": 31_536_000})
    assert "wait" in refused(answer, 422, "invalid_request")["detail"]


def test_what_users_make_long_is_cut_in_the_record(jobs: Jobs) -> None:
    job = jobs.run("SELECT error(repeat('x', 20000000) || range) FROM range(1)")
    assert job["status"] == "failed"
    assert len(job["error"]["message"]) == len(job["error_message"]) == 2_000
    assert "20,000," in job["error_message"]
    wide = jobs.run(f"SELECT '{'y' * 100_000}'")
    assert wide["status"] == "completed"
    assert len(wide["result"]["columns"][0]["name"]) == 256
    answer = jobs.http.post("/v1/jobs", json={"query": "SELECT 1", "z" * 1_000_000: 1})
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) <= 2_000


def test_a_page_of_the_list_ends_where_its_queries_are_long(jobs: Jobs) -> None:
    sent = [jobs.submit(f"SELECT {number} /*{'x' * 1_000_000}*/")["job_id"] for number in range(7)]
    found, cursor, pages = [], None, 0
    while len(found) < len(sent):
        page = jobs.http.get("/v1/jobs", params={"limit": 7} | ({"cursor": cursor} if cursor else {})).json()
        assert len(json.dumps(page)) < 7 * 1024**2
        found += [job["job_id"] for job in page["jobs"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert found[: len(sent)] == sent[::-1]
    assert pages > 1
