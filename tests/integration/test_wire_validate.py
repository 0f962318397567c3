"""Checking SQL without running it, by the wire."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.live_service import Jobs
from tests.support.wire import count, refused


def validated(jobs: Jobs, query: str, **fields: Any) -> dict[str, Any]:
    answer = jobs.http.post("/v1/jobs/validate", json={"query": query, **fields})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {
        "valid",
        "checked",
        "deterministic",
        "not_deterministic",
        "columns",
        "tables",
        "dataset_ids",
        "estimated_rows",
        "advice",
        "error",
    }
    return body


def test_it_says_what_would_come_and_stores_nothing(jobs: Jobs) -> None:
    before = count(jobs)
    dataset = jobs.dataset_id("celegans_white_1986")
    body = validated(
        jobs, "SELECT * FROM synapses WHERE dataset_id = $dataset", parameters={"dataset": dataset}
    )
    assert (body["valid"], body["error"], body["advice"]) == (True, None, [])
    assert (body["tables"], body["dataset_ids"]) == (["synapses"], [dataset])
    assert count(jobs) == before
    job = jobs.run("SELECT * FROM synapses WHERE dataset_id = $dataset", parameters={"dataset": dataset})
    assert body["columns"] == job["result"]["columns"]
    assert body["estimated_rows"] == job["result"]["rows"]


def test_what_takes_long_to_check_is_accepted_unchecked(jobs: Jobs) -> None:
    slow = "SELECT strftime(DATE '2020-01-01', repeat('%Y', 50000000)) AS a FROM neurons LIMIT 0"
    body = validated(jobs, slow)
    assert (body["valid"], body["checked"], body["columns"]) == (True, False, [])
    assert any("not checked" in sentence for sentence in body["advice"])
    job = jobs.submit(slow, time_limit_s=0.1)
    assert (job["checked"], job["status"]) == (False, "pending")
    assert any("not checked" in sentence for sentence in job["advice"])
    jobs.until(job)
    hidden = validated(jobs, slow.replace("neurons", "passwords"))
    assert (hidden["valid"], hidden["error"]["code"]) == (False, "invalid_query")
    assert jobs.run("SELECT 1")["checked"] is True


def test_thousands_of_references_are_looked_up_once_each(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1 AS n")
    many = " UNION ALL ".join([f"SELECT n FROM {{{{{job['job_id']}}}}}"] * 900)
    assert validated(jobs, many)["valid"] is True
    too_many = ",\n".join(f"{{{{{uuid.uuid4()}}}}}" for _ in range(20_000))
    refused = validated(jobs, f"FROM {too_many}")["error"]
    assert "20,000 results; at most 100" in refused["message"]
    assert (refused["line"], refused["column"]) == (101, 1)
    assert refused["hint"]


TYPES = (
    "SELECT 1 AS n, 2 AS n, {'a b': [1.5]} AS s, 'x'::ENUM('x', 'y;') AS e, now() AS t, "
    "1::HUGEINT AS h, uuid() AS u, $p AS p, 'é' AS \"odd name\", MAP {'a': 1} AS m, NULL AS nothing"
)


def test_the_columns_are_those_of_the_result(jobs: Jobs) -> None:
    fields: dict[str, Any] = {"parameters": {"p": [1, 2]}}
    body = validated(jobs, TYPES, **fields)
    assert body["columns"] == jobs.run(TYPES, **fields)["result"]["columns"]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) FROM synapses", 1),
        ("SELECT name FROM neurons WHERE dataset_id = $d LIMIT 7", 7),
        ("SELECT name FROM neurons WHERE dataset_id = $d AND name = 'PVCL'", None),
        ("SELECT DISTINCT cell_class FROM neurons", None),
        ("SELECT cell_class, count(*) FROM neurons GROUP BY ALL", None),
        ("SELECT a.name FROM neurons AS a JOIN neurons AS b USING (dataset_id, neuron_id)", None),
        ("SELECT unnest([1, 2]) FROM neurons", None),
        ("SELECT count(*) OVER () FROM neurons WHERE dataset_id = $d LIMIT 1000000", "neurons"),
        ("FROM connections WHERE dataset_id IN ($d)", "connections"),
    ],
)
def test_rows_are_told_where_they_are_known(jobs: Jobs, query: str, rows: int | str | None) -> None:
    dataset = jobs.http.get(f"/v1/datasets/{jobs.dataset_id('celegans_varshney_2011')}").json()
    counts = {table["name"]: table["rows"] for table in dataset["tables"]}
    parameters = {"d": dataset["id"]} if "$d" in query else {}
    body = validated(jobs, query, parameters=parameters)
    assert body["estimated_rows"] == (counts[rows] if isinstance(rows, str) else rows)
    if body["estimated_rows"] is not None:
        assert jobs.run(query, parameters=parameters)["result"]["rows"] == body["estimated_rows"]


def test_all_datasets_at_once_are_pointed_out(jobs: Jobs) -> None:
    body = validated(jobs, "SELECT a.name FROM neurons AS a JOIN neurons AS b USING (neuron_id)")
    assert len(body["dataset_ids"]) == 2
    (said,) = body["advice"]
    assert "2 datasets" in said
    assert "WHERE dataset_id" in said
    assert validated(jobs, "SELECT dataset_id, count(*) FROM synapses GROUP BY 1")["advice"] == []
    assert validated(jobs, "DESCRIBE neurons")["advice"] == []


def test_a_dataset_that_is_none_is_pointed_out(jobs: Jobs) -> None:
    white = jobs.dataset_id("celegans_white_1986")
    body = validated(jobs, "FROM neurons WHERE dataset_id = 'celegans_white_1986'")
    assert (body["valid"], body["error"]["code"], body["error"]["column"]) == (False, "unknown_dataset", 33)
    assert white in body["error"]["hint"]
    query, parameters = "FROM neurons WHERE dataset_id = $d", {"d": "celegans_white"}
    (said,) = validated(jobs, query, parameters=parameters)["advice"]
    assert "'celegans_white'" in said
    assert white in said


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        ("SELECT name,\n  nme FROM neurons", "invalid_query", (2, 3)),
        ("SELECT 1; SELECT 2", "invalid_query", (1, 11)),
        ("COPY neurons TO 'x'", "invalid_query", (1, 1)),
        ("SELECT $missing", "invalid_query", (None, None)),
        ("", "invalid_query", (1, 1)),
    ],
)
def test_sql_that_cannot_run_is_an_answer(
    jobs: Jobs, query: str, code: str, place: tuple[int | None, int | None]
) -> None:
    body = validated(jobs, query)
    assert (body["valid"], body["columns"], body["estimated_rows"]) == (False, [], None)
    error = body["error"]
    assert (error["code"], (error["line"], error["column"]), error["retryable"]) == (code, place, False)
    submitted = jobs.http.post("/v1/jobs", json={"query": query})
    assert (submitted.status_code, submitted.json()["detail"]) == (400, error["message"])


@pytest.mark.parametrize(
    "fields",
    [{}, {"query": 7}, {"query": "SELECT 1", "time_limit_s": 1e9}, {"query": "SELECT 1", "more": 1}],
)
def test_a_body_that_makes_no_sense_is_refused(jobs: Jobs, fields: dict[str, Any]) -> None:
    refused(jobs.http.post("/v1/jobs/validate", json=fields), 422, "invalid_request")


def test_a_query_that_folds_for_ever_is_checked_at_once(jobs: Jobs) -> None:
    slow = "SELECT levenshtein(repeat('ab', 200000), repeat('ba', 200000)) AS far"
    assert validated(jobs, slow)["columns"] == [{"name": "far", "type": "int64"}]


JOINED = (
    "SELECT n.name, count(DISTINCT c.post_neuron_id) AS partners FROM neurons n "
    "JOIN connections c ON n.neuron_id = c.pre_neuron_id{also} WHERE n.dataset_id = $d AND n.name = 'AVAL' "
    "GROUP BY ALL"
)


def test_a_join_that_forgets_the_dataset_is_warned_of_before_and_after(jobs: Jobs) -> None:
    dataset = jobs.dataset_id("celegans_varshney_2011")
    forgetful, right = JOINED.format(also=""), JOINED.format(also=" AND n.dataset_id = c.dataset_id")
    body = validated(jobs, forgetful, parameters={"d": dataset})
    assert body["valid"]
    assert body["advice"][0].startswith("c is joined without dataset_id: the rows of 2 datasets meet")
    assert len(body["dataset_ids"]) == 2
    job = jobs.run(forgetful, parameters={"d": dataset})
    assert job["advice"] == body["advice"]
    body = validated(jobs, right, parameters={"d": dataset})
    assert (body["advice"], body["dataset_ids"]) == ([], [dataset])
    assert jobs.run(right, parameters={"d": dataset})["advice"] == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("dataset_id = $d", "celegans_varshney_2011"),
        ("dataset_id IN $d", ["celegans_varshney_2011"]),
        ("$d = neurons.dataset_id", "celegans_varshney_2011"),
    ],
)
def test_the_name_of_a_dataset_as_a_value_is_refused_as_a_text_is(jobs: Jobs, where: str, value: Any) -> None:
    query = f"SELECT name FROM neurons WHERE {where}"
    error = validated(jobs, query, parameters={"d": value})["error"]
    assert "is the name of a dataset; dataset_id holds its id" in error["message"]
    assert jobs.dataset_id("celegans_varshney_2011") in error["hint"]
    assert (error["line"], error["column"]) == (1, query.index("$d") + 1)
    answer = jobs.http.post("/v1/jobs", json={"query": query, "parameters": {"d": value}})
    assert refused(answer, 400, "unknown_dataset")["detail"] == error["message"]


def test_another_text_as_a_value_may_find_nothing(jobs: Jobs) -> None:
    query = "SELECT name FROM neurons WHERE $d = 'all' OR dataset_id = $d LIMIT 3"
    assert jobs.run(query, parameters={"d": "all"})["result"]["rows"] == 3
