"""What does not fit a route is answered as well as SQL is: place, what it takes, what was given or meant."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.support.live_service import Jobs
from tests.support.wire import ABSENT, refused

PYDANTIC = (
    "Extra inputs",
    "Input should",
    "valid integer",
    "Field required",
    "should have at",
    "String should",
)


def graph(jobs: Jobs, **fields: Any) -> str:
    answer = jobs.http.post("/v1/jobs/graph", json={"dataset_id": ABSENT, **fields})
    body = refused(answer, 422, "invalid_request")
    assert not any(words in body["detail"] for words in PYDANTIC)
    return str(body["detail"])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"samplez": 3}, "samplez is no option of 'full'; did you mean samples?"),
        (
            {"analysis": "hubs", "smaples": 3},
            "smaples is no option of 'hubs'; did you mean samples, an option of full, rich_club, "
            "motif_significance?",
        ),
        ({"analysis": "fulll"}, "'fulll' was given; did you mean full?"),
        ({"analysis": 7}, "analysis: 'full', 'metrics', 'motifs', "),
        (
            {"analysis": "motif_significance", "samples": "many"},
            "samples: a whole number from 1 to 10,000 is needed, and 'many' was given",
        ),
        ({"min_synapses": 0}, "min_synapses: a whole number of at least 1 is needed, and 0 was given"),
        ({"min_synapses": 1.5}, "min_synapses: a whole number of at least 1 is needed, and 1.5 was given"),
        (
            {"resolution": True},
            "resolution: a number above 0 and of at most 1,000 is needed, and true was given",
        ),
        ({"include": "gap junctions"}, "and 'gap junctions' was given; did you mean gap_junctions?"),
        (
            {"cell_class": {"pre": ["a", 5]}},
            "cell_class.pre[1]: a text of 1 to 200 characters is needed, and 5 was given",
        ),
        ({"cell_class": {"before": "x"}}, "cell_class.before is no field of cell_class; there are pre, post"),
        ({"cell_class": []}, "cell_class: a text of 1 to 200 characters or a list of at least 1"),
        ({"neuron_ids": [1, "AVAL"]}, "neuron_ids[1]: an id is needed"),
        ({"node_table": "yes"}, "node_table: true or false is needed, and 'yes' was given"),
        (
            {"label": "x" * 300},
            "200 characters without control characters is needed, and a text of 300 characters",
        ),
        ({"analysis": "hubs", "samples": 3}, "samples is no option of hubs, but of full, rich_club"),
    ],
)
def test_options_of_a_graph(jobs: Jobs, fields: dict[str, Any], told: str) -> None:
    assert told in graph(jobs, **fields)


def test_several_faults_are_told_together(jobs: Jobs) -> None:
    told = graph(jobs, sede=1, top_hub=2, max_edges="x", seed=-1, min_synapses=0, include=1, label=2)
    assert told.count("; did you mean") == 2
    assert told.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("method", "route", "body", "told"),
    [
        (
            "POST",
            "/v1/jobs",
            {"query": "SELECT 1", "formt": "csv"},
            "formt is no field; did you mean format?",
        ),
        (
            "POST",
            "/v1/jobs",
            {"query": "SELECT 1", "format": "xlsx"},
            "format: 'arrow', 'parquet' or 'csv' is",
        ),
        ("POST", "/v1/jobs", {"format": "csv"}, "query is needed: a text"),
        ("POST", "/v1/jobs", [1], "the body: an object is needed, and [1] was given"),
        (
            "GET",
            "/v1/jobs/events?job=zz",
            None,
            "each the id of a job is needed",
        ),
        (
            "POST",
            "/v1/jobs/graph",
            {"dataset_id": ABSENT, "seed": 10**22},
            "at most 9,223,372,036,854,775,807",
        ),
        (
            "POST",
            "/v1/jobs",
            {"query": "SELECT 1", "label": "\x1b[31m"},
            "without control characters is needed",
        ),
        ("POST", "/v1/jobs/validate", {"query": None}, "query: a text is needed, and null was given"),
        ("PATCH", f"/v1/jobs/{ABSENT}", {"labl": "x"}, "labl is no field; did you mean label?"),
        (
            "PATCH",
            f"/v1/jobs/{ABSENT}",
            {"label": 5},
            "label: a text of at most 200 characters without control characters is needed, and 5",
        ),
        ("PATCH", f"/v1/jobs/{ABSENT}", {"expires_at": 5}, "expires_at: a moment like 2026-01-31T12:00:00Z"),
        (
            "GET",
            "/v1/jobs?statu=running",
            None,
            "'statu' is no parameter of GET /v1/jobs; did you mean status?",
        ),
        ("GET", "/v1/jobs?status=runing", None, "and 'runing' was given; did you mean running"),
        ("GET", "/v1/jobs?limit=many", None, "limit: a whole number from 1 to 500 is needed, and 'many' was"),
        ("GET", "/v1/datasets?name=x", None, "'name' is no parameter of GET /v1/datasets; it takes none"),
        (
            "GET",
            f"/v1/jobs/{ABSENT}?wait=1000",
            None,
            "wait: a number from 0 to 60 is needed, and '1000' was",
        ),
    ],
)
def test_fields_of_every_route(jobs: Jobs, method: str, route: str, body: Any, told: str) -> None:
    answer = jobs.http.request(method, route, json=body)
    detail = refused(answer, 422, "invalid_request")["detail"]
    assert told in detail
    assert not any(words in detail for words in PYDANTIC)


def test_the_name_of_a_dataset_where_its_id_is_needed(jobs: Jobs) -> None:
    name = jobs.http.get("/v1/datasets").json()["datasets"][0]["name"]
    answer = jobs.http.post("/v1/jobs/graph", json={"dataset_id": name[:-1]})
    assert f"Did you mean {name}" in refused(answer, 422, "invalid_dataset_id")["hint"]


def test_values_that_nothing_has_are_told_with_the_nearest(jobs: Jobs) -> None:
    worm = jobs.dataset_id("celegans_varshney_2011")
    for fields, code, hint in (
        ({"cell_class": ["sensory", "motr"]}, "unknown_value", "Did you mean 'motor'?"),
        ({"cell_class": {"post": "senory"}}, "unknown_value", "Did you mean 'sensory'?"),
        ({"analysis": "reachability", "source": "ASELL"}, "unknown_neuron", "Did you mean 'ASEL'"),
        ({"analysis": "reachability", "source": 10**9}, "unknown_neuron", "Numbers are ids"),
    ):
        job = jobs.until(jobs.submit_graph(worm, **fields), "failed")
        assert job["error"]["code"] == code, job["error"]
        assert hint in job["error"]["hint"]


VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 1.5, -0.0, 1e308, "", "x", "full", "7", "\u2028", "é" * 300, "\ud800",
    [], [[]], ["a"], [None], [1, "a", {}], {}, {"pre": "a"}, {"pre": []}, {"pre": {"pre": 1}}, {"": None},
    {"\ud800": 1},
)  # fmt: skip
FIELDS = (
    "dataset_id", "analysis", "min_synapses", "max_edges", "include", "neurotransmitter", "cell_class",
    "brain_structure", "neuron_ids", "top_hubs", "seed", "node_table", "source", "target", "weight",
    "max_hops", "samples", "keep_reciprocity", "resolution", "column", "other_dataset_id", "by", "label",
    "time_limit_s", "query", "format", "parameters", "reuse", "expires_at", "samplez", "", "__class__",
    "x" * 500, "\ud800", "parameters",
)  # fmt: skip


def fuzzed(generator: random.Random) -> str:
    fields = {generator.choice(FIELDS): generator.choice(VALUES) for _ in range(generator.randint(0, 4))}
    if generator.random() < 0.7:
        fields["dataset_id"] = ABSENT
    if generator.random() < 0.3:
        fields["query"] = "SELECT"
    text = json.dumps(fields, ensure_ascii=True)
    if generator.random() < 0.1:
        cut = generator.randrange(len(text) + 1)
        text = text[:cut] + generator.choice(["", "\0", "}", "[", ","]) + text[cut:]
    return text


def test_no_body_is_answered_with_a_fault_of_ours(jobs: Jobs) -> None:
    """Four hundred bodies that nobody means; the seed is fixed."""
    generator = random.Random(1914)
    for number in range(400):
        route = generator.choice(["/v1/jobs/graph", "/v1/jobs", "/v1/jobs/validate", f"/v1/jobs/{ABSENT}"])
        text = fuzzed(generator)
        method = "PATCH" if route.endswith(ABSENT) else "POST"
        answer = jobs.http.request(method, route, content=text)
        assert answer.status_code < 500, (number, route, text, answer.text)
        if answer.is_success:
            continue
        told = answer.json()
        assert told["code"], (route, text)
        assert told["detail"], (route, text)
        assert told["hint"], (route, text, told)
        assert len(told["detail"]) < 2000, (route, text, told)
        assert not any(words in told["detail"] for words in PYDANTIC), (route, text, told)
