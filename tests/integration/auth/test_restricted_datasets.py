"""A restricted dataset: its readers see it, nobody else does, and what is withdrawn is closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live_service import Jobs, running_service
from tests.support.restricted_dataset import (
    SECRET_ID,
    SECRET_NAME,
    SECRET_NEURON,
    People,
    refused_command,
    secret_folder,
)
from tests.support.wire import refused

COUNT = "SELECT count(*) AS n FROM neurons WHERE dataset_id = $dataset"
OF_ALL = "SELECT dataset_id, name FROM neurons"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("restricted")
    with running_service(folder) as live:
        added = live.syndb_lab(
            "dataset", "add", str(secret_folder(folder / "secret")), "--restrict-to", "user:ada"
        )
        assert added == SECRET_ID
        everybody = People(live)
        yield everybody
        everybody.close()


def sees(jobs: Jobs) -> bool:
    return SECRET_ID in {each["id"] for each in jobs.http.get("/v1/datasets").json()["datasets"]}


ANY_SQL = [
    OF_ALL,
    f"SELECT dataset_id, name FROM neurons WHERE name = '{SECRET_NEURON}'",
    f"SELECT dataset_id, name FROM neurons WHERE dataset_id LIKE '{SECRET_ID[:30]}%'",
    f"SELECT dataset_id, name FROM neurons WHERE lower(dataset_id) = '{SECRET_ID}'",
    "SELECT a.dataset_id, b.name FROM neurons a FULL JOIN neurons b ON b.name = 'Xq' || '7-unpublished'",
    "SELECT dataset_id, CAST(pre_neuron_id AS VARCHAR) AS name FROM connections",
    "SELECT dataset_id, CAST(pre_neuron_id AS VARCHAR) AS name FROM synapses",
    "WITH RECURSIVE t AS (SELECT dataset_id, name FROM neurons UNION SELECT * FROM t) FROM t",
    "FROM (SUMMARIZE neurons) SELECT min AS dataset_id, max AS name",
    "SELECT max(dataset_id) AS dataset_id, string_agg(name) AS name FROM neurons",
]


@pytest.mark.parametrize("query", ANY_SQL)
def test_whatever_the_sql_says_a_stranger_sees_nothing_of_it(people: People, query: str) -> None:
    jobs = people("eve")
    job = jobs.until(jobs.http.post("/v1/jobs", json={"query": query, "format": "csv"}).json())
    assert job["status"] == "completed", job
    text = jobs.result(job).text
    assert text.strip()
    for secret in (SECRET_ID, SECRET_NAME, SECRET_NEURON):
        assert secret not in text
    assert SECRET_ID not in jobs.http.get(f"/v1/jobs/{job['job_id']}/preview").text


def test_its_readers_see_it(people: People) -> None:
    jobs = people("ada")
    assert sees(jobs)
    assert jobs.http.get(f"/v1/datasets/{SECRET_ID}").json()["visibility"] == "restricted"
    assert jobs.table(COUNT, parameters={"dataset": SECRET_ID}).to_pylist() == [{"n": 3}]
    assert SECRET_NEURON in jobs.table(OF_ALL)["name"].to_pylist()
    graph = jobs.until(jobs.submit_graph(SECRET_ID))
    assert graph["status"] == "completed"


def test_a_stranger_is_refused_by_its_id_and_told_nothing_else(people: People) -> None:
    jobs = people("eve")
    assert not sees(jobs)
    asked = [
        jobs.http.get(f"/v1/datasets/{SECRET_ID}"),
        jobs.http.post("/v1/jobs/graph", json={"dataset_id": SECRET_ID}),
        jobs.http.post("/v1/jobs", json={"query": f"SELECT 1 FROM neurons WHERE dataset_id = '{SECRET_ID}'"}),
    ]
    for answer in asked:
        refused(answer, 403, "dataset_forbidden")
        assert SECRET_NAME not in answer.text
    checked = jobs.http.post("/v1/jobs/validate", json={"query": OF_ALL}).json()
    assert SECRET_ID not in checked["dataset_ids"]
    named = jobs.http.post(
        "/v1/jobs/validate", json={"query": f"SELECT 1 FROM neurons WHERE dataset_id = '{SECRET_ID}'"}
    ).json()
    assert named["error"]["code"] == "dataset_forbidden"
    near = f"{SECRET_ID[:-1]}b"
    for answer in (
        jobs.http.get(f"/v1/datasets/{near}"),
        jobs.http.post("/v1/jobs", json={"query": f"FROM neurons WHERE dataset_id = '{near}'"}),
        jobs.http.post("/v1/jobs", json={"query": f"FROM neurons WHERE dataset_id = '{SECRET_NAME}'"}),
    ):
        assert answer.status_code in (400, 404)
        assert SECRET_ID not in answer.text
        assert SECRET_NAME not in answer.json()["hint"]


def test_what_is_withdrawn_is_closed_at_once(people: People) -> None:
    """At the download, the preview, the rerun and the next query; and open again when it is given back."""
    jobs, command = people("bob"), people.live.syndb_lab
    command("dataset", "share", SECRET_ID, "user:bob")
    secret = jobs.run(COUNT, parameters={"dataset": SECRET_ID})
    graph = jobs.until(jobs.submit_graph(SECRET_ID))
    elsewhere = jobs.run("SELECT 1 AS one")
    everything = jobs.run(OF_ALL, format="csv", reuse=True)
    assert SECRET_NEURON in jobs.result(everything).text
    assert [jobs.result(job).status_code for job in (secret, graph, elsewhere)] == [200, 200, 200]
    command("dataset", "unshare", SECRET_ID, "user:bob")
    for job in (secret, graph):
        refused(jobs.result(job), 403, "dataset_forbidden")
        assert jobs.http.head(f"/v1/jobs/{job['job_id']}/result").status_code == 403
        ranged = jobs.http.get(f"/v1/jobs/{job['job_id']}/result", headers={"Range": "bytes=0-9"})
        refused(ranged, 403, "dataset_forbidden")
        assert jobs.get(job["job_id"])["status"] == "completed"
    refused(jobs.http.get(f"/v1/jobs/{secret['job_id']}/preview"), 403, "dataset_forbidden")
    refused(jobs.http.post(f"/v1/jobs/{graph['job_id']}/rerun"), 403, "dataset_forbidden")
    refused(jobs.http.post(f"/v1/jobs/{secret['job_id']}/rerun"), 403, "dataset_forbidden")
    assert jobs.result(elsewhere).status_code == 200
    reused = jobs.run(OF_ALL, format="csv", reuse=True)
    assert reused["result"]["reused_from"] is None
    assert SECRET_NEURON not in jobs.result(reused).text
    refused(jobs.result(everything), 403, "dataset_forbidden")
    command("dataset", "share", SECRET_ID, "user:bob")
    assert jobs.result(secret).status_code == 200


def test_a_group_opens_it_to_its_members(people: People) -> None:
    jobs, command = people("carla"), people.live.syndb_lab
    command("dataset", "share", SECRET_ID, "group:tracers")
    assert not sees(jobs)
    command("group", "add", "tracers", "carla", "dan")
    job = jobs.run(OF_ALL)
    assert SECRET_NEURON in jobs.http.get(f"/v1/jobs/{job['job_id']}/result").content.decode("latin-1")
    assert "tracers  carla  operator" in command("group", "list")
    command("group", "remove", "tracers", "carla")
    assert not sees(jobs)
    refused(jobs.result(job), 403, "dataset_forbidden")
    command("dataset", "unshare", SECRET_ID, "group:tracers")


def test_somebody_elses_job_is_as_none(people: People) -> None:
    mine, theirs = people("ada"), people("eve")
    job = mine.run("SELECT 1")
    absent = "00000000-0000-4000-8000-000000000000"
    for method, path in [
        ("GET", ""),
        ("GET", "/result"),
        ("HEAD", "/result"),
        ("GET", "/preview"),
        ("GET", "/events"),
        ("DELETE", ""),
        ("PATCH", ""),
        ("POST", "/rerun"),
    ]:
        body = {"label": "x"} if method == "PATCH" else None
        answers = [
            theirs.http.request(method, f"/v1/jobs/{each}{path}", json=body)
            for each in (job["job_id"], absent)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        texts = {
            answer.text.replace(each, "ID")
            for answer, each in zip(answers, (job["job_id"], absent), strict=True)
        }
        assert len(texts) == 1


def test_a_new_version_stays_restricted(people: People, tmp_path: Path) -> None:
    live = people.live
    live.syndb_lab("dataset", "add", str(secret_folder(tmp_path / "v2", 'version = "2"')), "--replace")
    assert sees(people("ada"))
    assert not sees(people("eve"))
    listed = next(line for line in live.syndb_lab("dataset", "list").splitlines() if SECRET_ID in line)
    assert "restricted" in listed
    assert "user:ada" in listed


def test_a_removed_dataset_takes_its_results_along(people: People, tmp_path: Path) -> None:
    jobs, live = people("ada"), people.live
    other = SECRET_ID[:-1] + "c"
    folder = secret_folder(
        tmp_path / "gone", 'restricted_to = ["group:few", "user:ada"]', name="gone", dataset_id=other
    )
    live.syndb_lab("dataset", "add", str(folder))
    job = jobs.run(COUNT, parameters={"dataset": other})
    assert jobs.result(job).status_code == 200
    live.syndb_lab("dataset", "remove", other)
    refused(jobs.result(job), 403, "dataset_forbidden")


def test_what_is_published_is_everybodys(people: People, tmp_path: Path) -> None:
    live = people.live
    other = SECRET_ID[:-1] + "d"
    folder = secret_folder(tmp_path / "p", 'visibility = "restricted"', name="published", dataset_id=other)
    live.syndb_lab("dataset", "add", str(folder))
    refused(people("ada").http.get(f"/v1/datasets/{other}"), 403, "dataset_forbidden")
    live.syndb_lab("dataset", "publish", other)
    assert people("eve").http.get(f"/v1/datasets/{other}").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("dataset", "share", SECRET_ID, "ada"), "user:NAME or group:NAME"),
        (("dataset", "share", SECRET_ID, "group:a b"), "user:NAME or group:NAME"),
        (("dataset", "unshare", SECRET_ID, "user:nobody"), "not among the readers"),
        (("dataset", "restrict", "nonsense", "user:ada"), "no dataset"),
        (("group", "add", "a\nb", "ada"), "no name of a group"),
        (("group", "remove", "tracers", "nobody"), "no operator has put"),
    ],
)
def test_commands_that_make_no_sense(people: People, arguments: tuple[str, ...], says: str) -> None:
    assert says in refused_command(people.live, *arguments)
