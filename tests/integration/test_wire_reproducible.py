"""A record says what may differ between two runs, and a reproducible job gives the same file each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.live_service import Jobs, running_service
from tests.support.wire import refused

SUMS = (
    "SELECT range % 7 AS k, sum(1.0::DOUBLE / (range + 1)) AS s, stddev(range) AS d, list(range)[1:3] AS l, "
    "first(range) AS f FROM range(1500000) GROUP BY k"
)


def test_the_record_names_what_may_differ(jobs: Jobs) -> None:
    for sql, deterministic, names in (
        ("SELECT count(*), sum(synapse_count) FROM connections", True, []),
        ("SELECT sum(1.0::DOUBLE / range), random() FROM range(1, 9)", False, ["random", "sum"]),
        ("SELECT sum(1.0::DOUBLE / a.synapse_count) FROM connections a, neurons b", False, ["sum"]),
        ("SELECT range % 3, count(*) FROM range(9) GROUP BY ALL", False, ["row order"]),
        ("FROM range(9) t(a), range(3) u(b) ORDER BY a", None, []),
        ("SELECT sum(1.0::DOUBLE / synapse_count), random() FROM connections", False, ["random"]),
        ("SELECT pre_neuron_id, stddev(synapse_count) FROM connections GROUP BY ALL", True, []),
        ("FROM neurons ORDER BY name", True, []),
        ("EXPLAIN FROM neurons", None, []),
    ):
        checked = jobs.http.post("/v1/jobs/validate", json={"query": sql}).json()
        job = jobs.run(sql)
        for record in (checked, job):
            assert (record["deterministic"], record["not_deterministic"]) == (deterministic, names), sql
        assert job["reproducible"] is False


def test_values_and_earlier_results_are_looked_at(jobs: Jobs) -> None:
    first = jobs.run("SELECT 1.5::DOUBLE AS x, 'é' AS name")
    job = jobs.run(
        f"SELECT sum(x * $f), max(name) FROM {{{{{first['job_id']}}}}} WHERE name = $n OR $n IN ('a', $m)",
        parameters={"f": 2.5, "n": "it's", "m": None},
    )
    assert (job["status"], job["deterministic"], job["not_deterministic"]) == ("completed", False, ["sum"])
    job = jobs.run("SELECT sum($i) + len($l)", parameters={"i": -3, "l": [1, 2]})
    assert (job["deterministic"], job["not_deterministic"]) == (True, [])


@pytest.mark.parametrize("file_format", ["arrow", "parquet", "csv"])
def test_a_reproducible_job_gives_the_same_file(jobs: Jobs, tmp_path: Path, file_format: str) -> None:
    fields = {"format": file_format, "reproducible": True}
    if file_format == "csv":
        fields["query"] = SUMS.replace("list(range)[1:3] AS l, ", "")
    sql = str(fields.pop("query", SUMS))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: jobs.run(sql, **fields), range(4)))
    for job in done:
        assert (job["status"], job["reproducible"], job["deterministic"]) == ("completed", True, True), job
        assert job["not_deterministic"] == []
        assert any("one thread" in sentence for sentence in job["advice"])
    digests = {job["result"]["sha256"] for job in done}
    if file_format == "arrow":
        with running_service(tmp_path, SYNDB_JOB_THREADS="5") as other, other.http() as http:
            digests.add(Jobs(http).run(sql, **fields)["result"]["sha256"])
    assert len(digests) == 1
    if file_format == "arrow":
        metadata = pa.ipc.open_file(jobs.result(done[0]).content).schema.metadata
        assert b"syndb.job_id" not in metadata
        assert metadata[b"syndb.reproducible"] == b"true"


def test_reuse_does_not_mix_them(jobs: Jobs) -> None:
    sql = "SELECT sum(1.0::DOUBLE / synapse_count) AS s FROM connections"
    plain = jobs.run(sql)
    first = jobs.run(sql, reuse=True, reproducible=True)
    again = jobs.run(sql, reuse=True, reproducible=True)
    assert first["result"]["reused_from"] is None
    assert again["result"]["reused_from"] == first["job_id"]
    assert jobs.run(sql, reuse=True)["result"]["reused_from"] == plain["job_id"]
    rerun = jobs.until(jobs.http.post(f"/v1/jobs/{first['job_id']}/rerun").json())
    assert (rerun["reproducible"], rerun["result"]["sha256"]) == (True, first["result"]["sha256"])


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1,\n random()", "random"),
        ("SELECT 1,\n now()", "now"),
        ("SELECT 1,\n uuid()", "uuid"),
        ("SELECT 1,\n current_date", "current_date"),
        ("SELECT 1\n FROM neurons USING SAMPLE 3", "sample without a seed"),
        ("SELECT 1 FROM (FROM neurons TABLESAMPLE 10%)", "sample without a seed"),
    ],
)
def test_what_can_not_be_reproduced_is_refused(jobs: Jobs, sql: str, message: str) -> None:
    answer = jobs.http.post("/v1/jobs", json={"query": sql, "reproducible": True})
    body = refused(answer, 400, "invalid_query")
    assert message in body["detail"]
    assert body["hint"]
    if "(" in sql.split("\n")[-1]:
        assert body["line"] == (2 if "\n" in sql else 1)
    seeded = {"query": "FROM neurons USING SAMPLE reservoir(3 ROWS) REPEATABLE (1)", "reproducible": True}
    assert jobs.http.post("/v1/jobs/validate", json=seeded).json()["deterministic"] is True
