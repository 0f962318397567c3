"""`reuse`: the result of an earlier job, where it would come out again."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tests.support.live_service import Jobs, Live
from tests.support.wire import refused

STRONG = "SELECT pre_neuron_id, synapse_count FROM connections WHERE dataset_id = $d AND synapse_count > $n"


def origin(job: dict[str, Any]) -> str | None:
    assert job["status"] == "completed", job
    return job["result"]["reused_from"]  # type: ignore[no-any-return]


def test_the_same_query_is_answered_by_the_earlier_result(live: Live, jobs: Jobs) -> None:
    white = jobs.dataset_id("celegans_white_1986")
    values = {"d": white, "n": 19}
    first = jobs.run(STRONG, parameters=values)
    assert origin(first) is None
    written_otherwise = f"  -- the strongest\n{STRONG.replace('SELECT', 'select').replace('=', ' = ')}\n"
    again = jobs.run(written_otherwise, parameters=values, reuse=True)
    assert origin(again) == first["job_id"]
    assert again["result"] == first["result"] | {"reused_from": first["job_id"]}
    assert again["expires_at"] > first["expires_at"], "it is kept for its own time"
    third = jobs.run(STRONG, parameters=values, reuse=True)
    assert origin(third) == first["job_id"], "the one that computed it, not the one between"

    jobs.http.delete(f"/v1/jobs/{first['job_id']}", params={"purge": "true"})
    refused(jobs.result(first), 410, "result_expired")
    answer = jobs.result(again)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{first["result"]["sha256"]}"'
    assert pa.ipc.open_file(answer.content).read_all().num_rows == first["result"]["rows"]
    assert jobs.http.get(f"/v1/jobs/{again['job_id']}/preview").status_code == 200

    for job in (again, third):
        jobs.http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"})
        assert not (live.data_dir / "results" / job["job_id"]).exists()
    assert origin(jobs.run(STRONG, parameters=values, reuse=True)) is None, "there is none any more"


def test_what_is_not_the_same_is_computed(jobs: Jobs, stranger: Jobs) -> None:
    query = "SELECT count(*) AS n FROM neurons WHERE name > $x"
    values = {"x": "reuse"}
    first = jobs.run(query, parameters=values)
    assert origin(jobs.run(query, parameters={"x": "other"}, reuse=True)) is None
    assert origin(jobs.run(query, parameters=values, reuse=True, format="csv")) is None
    assert origin(jobs.run(query.replace("AS n", "AS m"), parameters=values, reuse=True)) is None
    assert origin(jobs.run(query, parameters=values)) is None, "it was not asked for"
    assert origin(stranger.run(query, parameters=values, reuse=True)) is None, "each user has their own"
    again = jobs.run(query, parameters=values, reuse=True)
    assert origin(again) is not None
    rerun = jobs.http.post(f"/v1/jobs/{again['job_id']}/rerun").json()
    assert origin(jobs.until(rerun)) is None, "a rerun runs"
    assert first["result"]["rows"] == 1


def test_a_dataset_that_changed_is_read_again(live: Live, jobs: Jobs) -> None:
    folder = live.data_dir.parent / "changing"
    folder.mkdir()
    (folder / "dataset.toml").write_text('name = "changing"\nspecies = "x"\n')
    (folder / "edges.csv").write_text("source,target,weight\na,b,3\n")
    dataset_id = live.syndb_lab("dataset", "add", str(folder))
    query = f"SELECT synapse_count FROM connections WHERE dataset_id = '{dataset_id}'"
    first = jobs.run(query)
    assert origin(jobs.run(query, reuse=True)) == first["job_id"]
    (folder / "edges.csv").write_text("source,target,weight\na,b,4\n")
    live.syndb_lab("dataset", "add", str(folder), "--replace")
    changed = jobs.run(query, reuse=True)
    assert origin(changed) is None
    assert pa.ipc.open_file(jobs.result(changed).content).read_all()["synapse_count"].to_pylist() == [4]
    live.syndb_lab("dataset", "remove", dataset_id)
