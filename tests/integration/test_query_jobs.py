"""A query job from submission to file, by the wire."""

from __future__ import annotations

import hashlib
import io
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.support.live_service import Jobs, Live

STRONGEST = """
SELECT pre.name AS pre, post.name AS post, synapse_count
FROM connections
JOIN neurons AS pre ON pre.neuron_id = pre_neuron_id AND pre.dataset_id = connections.dataset_id
JOIN neurons AS post ON post.neuron_id = post_neuron_id AND post.dataset_id = connections.dataset_id
WHERE connections.dataset_id = $dataset
ORDER BY synapse_count DESC, pre, post
LIMIT 3
"""


def test_a_query_runs_on_a_real_connectome(jobs: Jobs) -> None:
    dataset = jobs.dataset_id("celegans_varshney_2011")
    table = jobs.table(STRONGEST, parameters={"dataset": dataset})
    assert table.column_names == ["pre", "post", "synapse_count"]
    assert table.schema.field("synapse_count").type == pa.int64()
    assert table.to_pylist()[0] == {"pre": "PVCL", "post": "AVBR", "synapse_count": 30} or table.num_rows == 3


def test_the_record_tells_the_whole_story(jobs: Jobs) -> None:
    submitted = jobs.submit("SELECT 1 AS n", label="mine")
    assert submitted["status"] == "pending"
    assert submitted["reason"] == "queued"
    assert submitted["version"] == 1
    assert submitted["queue_position"] >= 1
    done = jobs.until(submitted)
    assert done["status"] == "completed"
    assert (done["kind"], done["label"], done["query"]) == ("query", "mine", "SELECT 1 AS n")
    assert (done["attempt"], done["error"], done["error_message"]) == (1, None, None)
    assert done["created_at"] <= done["started_at"] <= done["finished_at"] < done["expires_at"]
    assert done["created_at"].endswith("Z")
    progress = done["progress"]
    assert (progress["phase"], progress["fraction"], progress["rows"]) == ("completed", 1.0, 1)
    assert submitted["progress"]["phase"] == "queued"
    assert submitted["progress"]["fraction"] is None
    assert done["queue_position"] is None
    assert done["result"]["rows"] == 1
    assert done["result"]["columns"] == [{"name": "n", "type": "int32"}]


def test_the_location_header_leads_to_the_job(jobs: Jobs) -> None:
    answer = jobs.http.post("/v1/jobs", json={"query": "SELECT 1"})
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['job_id']}"


def test_the_result_is_what_the_record_says(jobs: Jobs) -> None:
    job = jobs.run("FROM neurons")
    answer = jobs.result(job)
    assert answer.headers["ETag"] == f'"{job["result"]["sha256"]}"'
    assert hashlib.sha256(answer.content).hexdigest() == job["result"]["sha256"]
    assert len(answer.content) == job["result"]["bytes"]
    assert answer.headers["Content-Type"] == "application/vnd.apache.arrow.file"
    assert "Expires" in answer.headers


def test_the_result_comes_in_ranges(jobs: Jobs) -> None:
    job = jobs.run("FROM neurons")
    whole = jobs.result(job).content
    url = f"/v1/jobs/{job['job_id']}/result"
    part = jobs.http.get(url, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == whole[100:200]
    other = jobs.http.get(url, headers={"Range": "bytes=100-199", "If-Range": '"another"'})
    assert other.status_code == 200
    assert other.content == whole
    head = jobs.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole)


def test_the_file_carries_where_it_comes_from(jobs: Jobs) -> None:
    dataset = jobs.dataset_id("celegans_white_1986")
    query = f"SELECT count(*) AS n FROM synapses WHERE dataset_id = '{dataset}' AND pre_neuron_id > 0"
    job = jobs.run(query)
    metadata = pa.ipc.open_file(jobs.result(job).content).schema.metadata
    assert metadata[b"syndb.query"].decode() == query
    assert metadata[b"syndb.job_id"].decode() == job["job_id"]
    assert metadata[b"syndb.truncated"] == b"false"
    assert metadata[b"syndb.engine"].startswith(b"duckdb ")
    assert metadata[b"syndb.created_at"].decode() <= job["finished_at"]
    (read,) = json.loads(metadata[b"syndb.datasets"])
    assert (read["id"], read["name"]) == (dataset, "celegans_white_1986")
    assert "White" in read["citation"]
    assert read["version"]


def test_every_dataset_that_is_read_is_named(jobs: Jobs) -> None:
    job = jobs.run("SELECT dataset_id, count(*) FROM synapses WHERE pre_neuron_id > 0 GROUP BY 1")
    metadata = pa.ipc.open_file(jobs.result(job).content).schema.metadata
    names = {dataset["name"] for dataset in json.loads(metadata[b"syndb.datasets"])}
    assert {"celegans_varshney_2011", "celegans_white_1986"} <= names


def test_the_readers_that_people_use_read_it_as_it_is(jobs: Jobs) -> None:
    content = jobs.result(jobs.run("FROM neurons ORDER BY ALL")).content
    assert pl.read_ipc(io.BytesIO(content), use_pyarrow=False).height > 279


@pytest.mark.parametrize("many", [0, 1, 131_072, 131_073, 400_000])
def test_batches_lose_nothing_at_their_borders(jobs: Jobs, many: int) -> None:
    table = jobs.table(f"SELECT range AS i, md5(range::VARCHAR) AS h FROM range({many})")
    assert table.num_rows == many
    assert table["i"].to_pylist() == list(range(many))


def test_neuron_ids_are_exact(jobs: Jobs) -> None:
    table = jobs.table("SELECT unnest([720575940600000001, NULL, 9007199254740993]) AS neuron_id")
    assert table["neuron_id"].to_pylist() == [720575940600000001, None, 9007199254740993]


def test_parameters_are_typed_values(jobs: Jobs) -> None:
    neuron_id = 720575940600000001
    job = jobs.run(
        "SELECT $id AS id, $text AS text, $x AS x", parameters={"id": neuron_id, "text": "a'b", "x": 0.5}
    )
    assert job["parameters"] == {"id": str(neuron_id), "text": "a'b", "x": 0.5}
    table = pa.ipc.open_file(jobs.result(job).content).read_all()
    assert table.to_pylist() == [{"id": neuron_id, "text": "a'b", "x": 0.5}]


def test_a_list_is_a_parameter_too(jobs: Jobs) -> None:
    ids = [720575940600000001, 720575940600000003]
    query = "SELECT unnest($ids::BIGINT[]) AS id, 720575940600000003 IN $ids AS found"
    job = jobs.run(query, parameters={"ids": ids})
    assert job["parameters"] == {"ids": [str(neuron_id) for neuron_id in ids]}
    table = pa.ipc.open_file(jobs.result(job).content).read_all()
    assert table.to_pylist() == [{"id": neuron_id, "found": True} for neuron_id in ids]


@pytest.mark.parametrize("kind", ["arrow", "parquet", "csv"])
def test_a_column_that_no_format_holds_exactly_is_refused_at_submission(jobs: Jobs, kind: str) -> None:
    refused = jobs.http.post("/v1/jobs", json={"query": "SELECT 1 AS n, 5::VARIANT AS c", "format": kind})
    assert refused.status_code == 400
    assert "'c'" in refused.json()["detail"]
    assert "CAST(c AS JSON)" in refused.json()["hint"]


def test_columns_of_the_same_name_are_told_apart(jobs: Jobs) -> None:
    assert jobs.table("SELECT 1 AS n, 2 AS n, 3 AS n_1").column_names == ["n", "n_1", "n_1_1"]


def test_parquet_and_csv(jobs: Jobs) -> None:
    parquet = jobs.result(jobs.run("SELECT 720575940600000001 AS id", format="parquet"))
    assert parquet.headers["Content-Type"] == "application/vnd.apache.parquet"
    table = pyarrow.parquet.read_table(io.BytesIO(parquet.content))
    assert table.to_pylist() == [{"id": 720575940600000001}]
    assert b"syndb.query" in table.schema.metadata
    csv = jobs.result(jobs.run("SELECT 720575940600000001 AS id, 'x,y' AS t", format="csv"))
    assert csv.headers["Content-Type"].startswith("text/csv")
    assert csv.text == '"id","t"\n720575940600000001,"x,y"\n'


@pytest.mark.parametrize(
    "query",
    [
        "FROM neurons LIMIT 3",
        "WITH n AS (FROM neurons) SELECT count(*) FROM n",
        "VALUES (1, 2)",
        "DESCRIBE neurons",
        "SUMMARIZE SELECT neuron_id FROM neurons",
        "EXPLAIN SELECT count(*) FROM synapses",
        "/* why */ EXPLAIN -- so\n FROM neurons",
        "FROM range(10 - 2 * 3, 7)",
        "FROM neurons, LATERAL (SELECT unnest(string_split(name, 'A')))",
        "PIVOT (SELECT cell_class, neuron_id FROM neurons) ON cell_class IN ('sensory') USING count(*)",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 50) SELECT sum(n) FROM r",
    ],
)
def test_every_form_of_query_runs(jobs: Jobs, query: str) -> None:
    assert jobs.run(query)["status"] == "completed"


def test_a_plan_shows_no_path(live: Live, jobs: Jobs) -> None:
    text = str(
        jobs.table("EXPLAIN SELECT * FROM synapses JOIN neurons ON neuron_id = pre_neuron_id").to_pylist()
    )
    assert ".parquet" not in text
    assert str(live.data_dir) not in text


def test_waiting_returns_at_the_change_and_not_before(jobs: Jobs) -> None:
    job = jobs.submit("SELECT 1")
    seen = [job["version"]]
    while job["status"] != "completed":
        job = jobs.http.get(
            f"/v1/jobs/{job['job_id']}", params={"wait": 30, "version": job["version"]}
        ).json()
        seen.append(job["version"])
    assert seen == sorted(set(seen))


def test_waiting_on_a_final_job_returns_at_once(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    params = {"wait": 60, "version": job["version"]}
    assert jobs.http.get(f"/v1/jobs/{job['job_id']}", params=params, timeout=120).json() == job


def test_the_same_key_and_body_are_one_job(jobs: Jobs) -> None:
    headers = {"Idempotency-Key": "twice"}
    first = jobs.http.post("/v1/jobs", json={"query": "SELECT 1"}, headers=headers)
    again = jobs.http.post("/v1/jobs", json={"query": "SELECT 1"}, headers=headers)
    other = jobs.http.post("/v1/jobs", json={"query": "SELECT 2"}, headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 409)
    assert again.json()["job_id"] == first.json()["job_id"]
    assert other.json()["code"] == "idempotency_conflict"


def test_a_rerun_is_a_new_job_with_the_same_request(jobs: Jobs) -> None:
    job = jobs.run("SELECT $n AS n", parameters={"n": 7}, label="seven")
    again = jobs.http.post(f"/v1/jobs/{job['job_id']}/rerun")
    assert again.status_code == 202
    record = jobs.until(again.json())
    assert record["rerun_of"] == job["job_id"]
    assert record["job_id"] != job["job_id"]
    assert (record["query"], record["parameters"], record["label"]) == ("SELECT $n AS n", {"n": 7}, "seven")
    assert record["result"]["sha256"]


def test_my_jobs_are_listed_newest_first_in_pages(jobs: Jobs) -> None:
    made = [jobs.run("SELECT 1", label="paged")["job_id"] for _ in range(3)]
    seen, cursor = [], None
    while True:
        params = {"label": "paged", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = jobs.http.get("/v1/jobs", params=params).json()
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    running = jobs.http.get("/v1/jobs", params={"label": "paged", "status": ["running", "pending"]}).json()
    assert running["jobs"] == []


def test_progress_is_true_and_never_runs_backwards(jobs: Jobs) -> None:
    job = jobs.submit("SELECT max(md5(md5(range::VARCHAR))) FROM range(9000000)")
    fractions = []
    while job["status"] in ("pending", "running"):
        assert job["progress"]["phase"] in ("queued", "starting", "executing")
        fractions.append(job["progress"]["fraction"])
        job = jobs.http.get(
            f"/v1/jobs/{job['job_id']}", params={"wait": 30, "version": job["version"]}
        ).json()
    assert job["status"] == "completed"
    known = [fraction for fraction in fractions if fraction is not None]
    assert known == sorted(known)
    assert all(0 <= fraction < 1 for fraction in known)


def test_where_nobody_knows_progress_says_so(jobs: Jobs) -> None:
    job = jobs.submit("SELECT max(md5((a.range * b.range)::VARCHAR)) FROM range(30000) a, range(300) b")
    seen = []
    while job["status"] in ("pending", "running"):
        seen.append(job["progress"])
        job = jobs.http.get(
            f"/v1/jobs/{job['job_id']}", params={"wait": 30, "version": job["version"]}
        ).json()
    assert "executing" in {progress["phase"] for progress in seen}
    assert {progress["fraction"] for progress in seen} == {None}


def test_an_error_in_a_late_batch_is_told_like_one_in_the_first(jobs: Jobs) -> None:
    job = jobs.run("SELECT CASE WHEN i = 1500000 THEN\n  'abc'::INT ELSE i END FROM range(2000000) t(i)")
    assert (job["status"], job["reason"]) == ("failed", "invalid_query")
    assert "Could not convert string 'abc' to INT32" in job["error"]["message"]
    assert (job["error"]["line"], job["error"]["column"]) == (2, 8)


def test_a_sum_is_a_whole_number_of_64_bits_or_says_why_not(jobs: Jobs) -> None:
    table = jobs.table("SELECT sum(synapse_count) AS synapses, sum(range) AS n FROM connections, range(2)")
    assert table.schema.types == [pa.int64(), pa.int64()]
    job = jobs.run("SELECT sum(i) AS total FROM (VALUES (9223372036854775807), (1)) t(i)")
    assert (job["status"], job["reason"]) == ("failed", "invalid_query")
    assert "'total'" in job["error"]["message"]
    assert "CAST" in job["error"]["hint"]
