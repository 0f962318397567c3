"""Results of earlier jobs, read from SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from tests.support.live_service import Jobs

BIG = 720575940600000001


def metadata(jobs: Jobs, job: dict[str, object]) -> dict[str, str]:
    schema = pa.ipc.open_file(jobs.result(job).content).schema
    return {name.decode(): value.decode() for name, value in schema.metadata.items()}


@pytest.mark.parametrize("format_", ["arrow", "parquet"])
def test_a_stored_result_is_a_table(jobs: Jobs, format_: str) -> None:
    worm = jobs.dataset_id("celegans_varshney_2011")
    first = jobs.run(
        f"SELECT neuron_id + {BIG} AS big, name, NULL::BIGINT AS nobody "
        f"FROM neurons WHERE dataset_id = '{worm}'",
        format=format_,
    )
    second = jobs.run(
        "SELECT max(big) AS big, count(*) AS n, count(nobody) AS none,\n"
        f" any_value('{{{{{first['job_id']}}}}}') AS text "
        f"FROM {{{{{first['job_id']}}}}} -- of {{{{x}}}}",
    )
    assert second["status"] == "completed", second
    (row,) = pa.ipc.open_file(jobs.result(second).content).read_all().to_pylist()
    assert row == {"big": BIG + 279, "n": 279, "none": 0, "text": f"{{{{{first['job_id']}}}}}"}
    told = metadata(jobs, second)
    assert [one["name"] for one in json.loads(told["syndb.datasets"])] == ["celegans_varshney_2011"]
    (source,) = json.loads(told["syndb.sources"])
    assert (source["job_id"], source["sha256"]) == (first["job_id"], first["result"]["sha256"])
    assert f"{{{{{first['job_id']}}}}}" in told["syndb.query"]


def test_results_chain_and_join_with_tables(jobs: Jobs) -> None:
    worm = jobs.dataset_id("celegans_varshney_2011")
    first = jobs.run(f"SELECT neuron_id FROM neurons WHERE dataset_id = '{worm}' ORDER BY 1 LIMIT 3")
    second = jobs.run(f"SELECT neuron_id AS id FROM {{{{{first['job_id']}}}}} WHERE neuron_id < 3")
    third = jobs.run(
        f"SELECT n.name FROM neurons n JOIN {{{{ {second['job_id']} }}}} s ON n.neuron_id = s.id "
        f"WHERE n.dataset_id = '{worm}' ORDER BY 1"
    )
    assert pa.ipc.open_file(jobs.result(third).content).read_all().to_pydict() == {"name": ["ADAL", "ADAR"]}
    sources = json.loads(metadata(jobs, third)["syndb.sources"])
    assert {one["job_id"] for one in sources} == {first["job_id"], second["job_id"]}


@pytest.mark.parametrize(
    "text",
    ["$$ {{ID}} $$", "$t$ {{ID}} $$ {{ID}} $t$", "E'it\\'s {{ID}}'", "'it''s {{ID}}'", "e'\\\\' || '{{ID}}'"],
)
def test_in_a_text_of_any_form_a_job_is_not_named(jobs: Jobs, text: str) -> None:
    nobodys = "00000000-0000-4000-8000-000000000000"
    table = jobs.table(f"SELECT {text.replace('ID', nobodys)} AS text, $p || '$' AS p", parameters={"p": "$"})
    (row,) = table.to_pylist()
    assert f"{{{{{nobodys}}}}}" in row["text"]
    assert row["p"] == "$$"


def test_a_job_on_a_stored_result_fails_by_its_own_words(jobs: Jobs) -> None:
    first = jobs.run("SELECT 1 AS one")
    job = jobs.run(
        f"SELECT error('Referenced column \"x\" not found in FROM clause') FROM {{{{{first['job_id']}}}}}"
    )
    assert job["reason"] == "invalid_query", job
    assert job["error"]["message"] == 'Referenced column "x" not found in FROM clause'


def test_what_can_not_be_read_is_refused_with_its_place(jobs: Jobs, stranger: Jobs) -> None:
    mine = jobs.run("SELECT 1 AS one")
    failed = jobs.run("SELECT CAST(name AS INTEGER) FROM neurons")
    table = jobs.run("SELECT 1 AS one", format="csv")
    graph = jobs.until(jobs.submit_graph(jobs.dataset_id("celegans_varshney_2011")))
    gone = jobs.run("SELECT 2 AS two")
    jobs.http.delete(f"/v1/jobs/{gone['job_id']}", params={"purge": True})
    refused = [
        (stranger, mine, "no such job of yours"),
        (jobs, failed, "failed"),
        (jobs, table, "CSV"),
        (jobs, graph, "graph analysis"),
        (jobs, gone, "destroyed"),
    ]
    for user, job, words in refused:
        answer = user.http.post("/v1/jobs", json={"query": f"SELECT *\n  FROM {{{{{job['job_id']}}}}}"})
        problem = answer.json()
        assert answer.status_code in {400, 422}, problem
        assert words in problem["detail"]
        assert (problem["line"], problem["column"]) == (2, 8)
    answer = jobs.http.post("/v1/jobs", json={"query": f"SELECT oen FROM {{{{{mine['job_id']}}}}}"})
    assert (answer.json()["column"], answer.status_code) == (8, 400), answer.json()


def test_a_rerun_reads_the_stored_result_again(jobs: Jobs) -> None:
    first = jobs.run("SELECT 7 AS seven")
    second = jobs.run(f"FROM {{{{{first['job_id']}}}}}")
    again = jobs.until(jobs.http.post(f"/v1/jobs/{second['job_id']}/rerun").json())
    assert again["status"] == "completed", again
    jobs.http.delete(f"/v1/jobs/{first['job_id']}", params={"purge": True})
    refused = jobs.http.post(f"/v1/jobs/{second['job_id']}/rerun")
    assert refused.status_code in {400, 422}
    assert "destroyed" in refused.json()["detail"]
