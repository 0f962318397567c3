"""Graph jobs on the wire: answers as the document describes them, and the table of neurons beside them."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pyarrow as pa
import pytest

from tests.support.live_service import Jobs

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
ANSWER = {"$ref": "#/components/schemas/GraphAnswer", "components": DOCUMENT["components"]}
PATH = {"source": "ASEL", "target": "DA1"}


@pytest.fixture(scope="module")
def datasets(jobs: Jobs) -> dict[str, str]:
    listed = jobs.http.get("/v1/datasets").json()["datasets"]
    return {dataset["name"]: dataset["id"] for dataset in listed}


@pytest.fixture(scope="module")
def worm(datasets: dict[str, str]) -> str:
    return datasets["celegans_varshney_2011"]


def submitted(jobs: Jobs, **body: Any) -> dict[str, Any]:
    answer = jobs.http.post("/v1/jobs/graph", json=body)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    while job["status"] in {"pending", "running"}:
        job = jobs.http.get(f"/v1/jobs/{job['job_id']}?wait=30&version={job['version']}").json()
    return job


def answer_of(jobs: Jobs, job: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = jobs.http.get(f"/v1/jobs/{job['job_id']}/result").json()
    return answer


def part(jobs: Jobs, job: dict[str, Any], **headers: str) -> httpx.Response:
    return jobs.http.get(f"/v1/jobs/{job['job_id']}/result?part=neurons", headers=headers)


@pytest.fixture(scope="module")
def described(jobs: Jobs, worm: str) -> dict[str, Any]:
    return submitted(jobs, dataset_id=worm, node_table=True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**PATH, "by": "neurotransmitter", "samples": 2, "column": "cell_class", "node_table": True},
        {"analysis": "metrics", "min_synapses": 3},
        {"analysis": "motifs", "include": "both"},
        {"analysis": "hubs", "neurotransmitter": ["GABA", "Glutamate"]},
        {"analysis": "reachability", "source": "ASEL", "max_hops": 2},
        {"analysis": "shortest_path", **PATH, "weight": "synapses"},
        {"analysis": "shortest_path", "source": "VD13", "target": "PLNR"},
        {"analysis": "rich_club", "samples": 1, "cell_class": {"pre": "sensory"}},
        {"analysis": "communities", "resolution": 2.5, "neuron_ids": [1, "2", 3]},
        {"analysis": "compare", "by": "brain_structure"},
        {"analysis": "compare", "other_dataset_id": "celegans_white_1986"},
        {"analysis": "motif_significance", "samples": 2, "keep_reciprocity": True},
    ],
    ids=str,
)
def test_every_answer_is_as_the_document_says(
    jobs: Jobs, datasets: dict[str, str], worm: str, body: dict[str, Any]
) -> None:
    if "other_dataset_id" in body:
        body = body | {"other_dataset_id": datasets[body["other_dataset_id"]]}
    job = submitted(jobs, dataset_id=worm, **body)
    assert job["status"] == "completed", job["error"]
    answer = jobs.result(job).json()
    jsonschema.validate(answer, ANSWER)
    undescribed = answer.keys() - answer["definitions"].keys() - GENERAL
    assert not undescribed


GENERAL = {
    "analysis", "dataset", "other_dataset", "options", "filters", "libraries", "definitions", "paths",
}  # fmt: skip


def test_the_document_is_strict() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, ANSWER)
    with pytest.raises(jsonschema.ValidationError, match="neuronCount"):
        jsonschema.validate({"neuronCount": 3}, ANSWER)


def test_the_table_has_one_row_a_neuron(jobs: Jobs, described: dict[str, Any], worm: str) -> None:
    told = described["result"]["parts"]["neurons"]
    answer = part(jobs, described)
    assert answer.headers["Content-Type"] == "application/vnd.apache.arrow.file"
    assert answer.headers["ETag"].strip('"') == told["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert len(answer.content) == told["bytes"]
    table = pa.ipc.open_file(io.BytesIO(answer.content)).read_all()
    assert (table.num_rows, told["rows"]) == (279, 279)
    assert [{"name": field.name, "type": str(field.type)} for field in table.schema] == told["columns"]
    hub = jobs.result(described).json()["hubs"][0]
    row = table.slice(int(hub["neuron_id"]) - 1, 1).to_pylist()[0]
    assert (row["name"], row["degree"], row["in_strength"]) == (hub["name"], hub["score"], hub["in_strength"])
    metadata = table.schema.metadata
    assert metadata[b"syndb.job_id"].decode() == described["job_id"]
    assert json.loads(metadata[b"syndb.datasets"])[0]["id"] == worm
    assert json.loads(metadata[b"syndb.query"])["analysis"] == "full"


def test_the_record_says_that_its_figures_are_the_same_each_time(described: dict[str, Any]) -> None:
    assert (described["deterministic"], described["not_deterministic"]) == (True, [])


def test_the_answer_is_whole_beside_it(jobs: Jobs, described: dict[str, Any], worm: str) -> None:
    answer = jobs.result(described)
    assert hashlib.sha256(answer.content).hexdigest() == described["result"]["sha256"]
    assert len(answer.content) == described["result"]["bytes"]
    again = submitted(jobs, dataset_id=worm, node_table=True)
    assert jobs.result(again).content == answer.content
    ending = jobs.http.get(f"/v1/jobs/{again['job_id']}/result", headers={"Range": "bytes=-7"})
    assert ending.content == answer.content[-7:]
    whole = part(jobs, described).content
    assert part(jobs, described, Range="bytes=5-20").content == whole[5:21]
    redirected = jobs.http.get(f"/v1/jobs/{described['job_id']}/result?part=neurons&redirect=true")
    assert redirected.content == whole


def test_it_goes_with_its_job(jobs: Jobs, worm: str) -> None:
    job = submitted(jobs, dataset_id=worm, analysis="hubs", node_table=True)
    assert part(jobs, job).status_code == 200
    jobs.http.delete(f"/v1/jobs/{job['job_id']}?purge=true")
    assert part(jobs, job).status_code == 410


def test_a_part_that_is_not_there(jobs: Jobs, worm: str) -> None:
    for job in (submitted(jobs, dataset_id=worm, analysis="hubs"), jobs.run("SELECT 1")):
        answer = part(jobs, job)
        assert (answer.status_code, answer.json()["code"]) == (404, "part_not_found")
    assert jobs.http.get(f"/v1/jobs/{job['job_id']}/result?part=synapses").status_code == 422


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"neuron_ids": ["9999999999999999999"]}, "at most 64 bits"),
        ({"analysis": "compare", "other_dataset_id": "nothing"}, "the ids of two datasets are needed"),
        ({"target": "DA1"}, "source and target"),
        ({"by": "neurotransmitter", "include": "both"}, "needs include = chemical"),
        ({"include": "gap_junctions", "neurotransmitter": "GABA"}, "gap junctions release none"),
        ({"node_table": 1}, "true or false is needed, and 1 was given"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_at_once(
    jobs: Jobs, worm: str, body: dict[str, Any], message: str
) -> None:
    answer = jobs.http.post("/v1/jobs/graph", json={"dataset_id": worm, **body})
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_a_dataset_is_not_compared_with_itself(jobs: Jobs, worm: str) -> None:
    body = {"dataset_id": worm, "analysis": "compare", "other_dataset_id": worm.upper()}
    assert "is the dataset itself" in jobs.http.post("/v1/jobs/graph", json=body).json()["detail"]


def test_a_name_in_other_letters_is_found_for_the_hint(jobs: Jobs, worm: str) -> None:
    for source in ("asel", "9999999999999999999"):
        job = submitted(jobs, dataset_id=worm, analysis="reachability", source=source)
        assert (job["status"], job["error"]["code"]) == ("failed", "unknown_neuron")
        assert ("'ASEL'" in job["error"]["hint"]) == (source == "asel")


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"include": "gap_junctions"},
        {"include": "both"},
        {"cell_class": {"pre": ["sensory"]}},
        {"cell_class": {"pre": ["sensory"], "post": ["interneuron"]}, "include": "both"},
        {"neurotransmitter": ["GABA"]},
        {"neurotransmitter": ["Acetylcholine", "GABA"], "cell_class": {"post": ["motor"]}},
        {"min_synapses": 3, "neurotransmitter": ["Acetylcholine"]},
        {"neuron_ids": [*range(1, 90), "100"]},
    ],
    ids=str,
)
def test_a_graph_too_large_is_refused_before_it_is_a_job(
    jobs: Jobs, worm: str, filters: dict[str, Any]
) -> None:
    asked = {"dataset_id": worm, "analysis": "metrics", **filters}
    before = jobs.http.get("/v1/jobs?kind=graph&limit=1").json()["jobs"]
    whole = answer_of(jobs, submitted(jobs, **asked))["connection_count"]
    assert answer_of(jobs, submitted(jobs, **asked, max_edges=whole))["connection_count"] == whole
    made = jobs.http.get("/v1/jobs?kind=graph&limit=1").json()["jobs"]
    refused = jobs.http.post("/v1/jobs/graph", json={**asked, "max_edges": whole - 1})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (413, "graph_too_large")
    assert f"would have {whole:,} connections" in problem["detail"]
    assert jobs.http.get("/v1/jobs?kind=graph&limit=1").json()["jobs"] == made != before
    fewer = int(re.findall(r"min_synapses = (\d+) would", problem["hint"])[0])
    fitting = submitted(jobs, **{**asked, "max_edges": whole - 1, "min_synapses": fewer})
    assert 0 < answer_of(jobs, fitting)["connection_count"] < whole
