"""A cancelled job is really dead, whatever C code it sits in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from syndb_service.isolation.process_name import FORK_SERVER_TITLE
from tests.support.live_service import Jobs, Live, running_service
from tests.support.waiting import wait_until
from tests.support.wire import CROSS_JOIN

ENDLESS = {
    "cross join": CROSS_JOIN,
    "sort": "SELECT * FROM range(2000000000) ORDER BY hash(range) LIMIT 5 OFFSET 1000000000",
    "window": "SELECT max(w) FROM (SELECT sum(range) OVER (ORDER BY hash(range)) AS w FROM range(200000000))",
    "one long function": "SELECT levenshtein(repeat('ab', 200000), repeat('ba', 200000))",
    "regular expression": (
        "SELECT count(*) FROM range(900000000) WHERE regexp_matches(md5(range::VARCHAR), '(a|b)+c.*9')"
    ),
    "recursion": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
}


def children_of(pid: int) -> set[int]:
    """Return the ids of all processes below ``pid``, but for the fork server and the children that wait."""
    parents, names = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                head, _, tail = (folder / "stat").read_text().rpartition(")")
            except OSError:
                continue
            parents[int(folder.name)] = int(tail.split()[1])
            names[int(folder.name)] = head.partition("(")[2]
    below, more = {pid}, True
    while more:
        found = {child for child, parent in parents.items() if parent in below} - below
        below |= found
        more = bool(found)
    return {each for each in below - {pid} if names[each] != FORK_SERVER_TITLE}


@pytest.fixture
def idle_children(live: Live, jobs: Jobs) -> set[int]:
    """The processes of a service that runs no job."""
    jobs.run("SELECT 1")
    return children_of(live.process.pid)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the processes")
@pytest.mark.parametrize("query", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_running_query_is_ended_at_once(
    live: Live, jobs: Jobs, idle_children: set[int], query: str
) -> None:
    job = jobs.until(jobs.submit(query), "running")
    wait_until(lambda: children_of(live.process.pid) - idle_children)
    ran = children_of(live.process.pid) - idle_children
    answer = jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    assert answer.status_code == 200
    record = jobs.until(answer.json())
    assert (record["status"], record["reason"]) == ("cancelled", "cancelled_by_user")
    assert not ran & children_of(live.process.pid), "the job says it is cancelled, but a process runs on"
    assert not list((live.data_dir / "tmp").glob(f"{job['job_id']}*"))
    assert not (live.data_dir / "results" / job["job_id"]).exists()


def test_a_running_graph_analysis_is_ended_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "ring"
    folder.mkdir()
    (folder / "dataset.toml").write_text('name = "ring"\ntitle = "A long ring"\nspecies = "none"\n')
    duckdb.sql(
        "SELECT range + 1 AS pre, (range + 1) % 200000 + 1 AS post, 1 AS synapses FROM range(200000)"
    ).write_csv(str(folder / "connections.csv"))
    with running_service(tmp_path) as live, live.http() as http:
        jobs = Jobs(http)
        jobs.run("SELECT 1")
        idle = children_of(live.process.pid)
        dataset_id = live.syndb_lab("dataset", "add", str(folder))
        job = jobs.submit_graph(dataset_id)
        while not (job["progress"] and job["progress"]["phase"] == "shortest paths"):
            job = http.get(f"/v1/jobs/{job['job_id']}", params={"wait": 5, "version": job["version"]}).json()
            assert job["status"] in ("pending", "running"), job
        ran = children_of(live.process.pid) - idle
        record = jobs.until(http.delete(f"/v1/jobs/{job['job_id']}").json())
        assert record["status"] == "cancelled"
        assert ran
        assert not ran & children_of(live.process.pid)


def test_a_pending_job_is_cancelled_before_it_starts(tmp_path: Path) -> None:
    with running_service(tmp_path, JOB_QUEUE_MAX_WORKERS="1") as live, live.http() as http:
        jobs = Jobs(http)
        first = jobs.until(jobs.submit(CROSS_JOIN), "running")
        second, third = jobs.submit("SELECT 2"), jobs.submit("SELECT 3")
        assert (
            jobs.get(second["job_id"])["queue_position"],
            jobs.get(third["job_id"])["queue_position"],
        ) == (1, 2)
        record = http.delete(f"/v1/jobs/{second['job_id']}").json()
        assert (record["status"], record["attempt"], record["started_at"]) == ("cancelled", 0, None)
        assert jobs.get(third["job_id"])["queue_position"] == 1
        http.delete(f"/v1/jobs/{first['job_id']}")
        assert jobs.until(third)["status"] == "completed"


def test_cancelling_a_final_job_changes_nothing(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    answer = jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    assert answer.status_code == 200
    assert answer.json() == job
    assert jobs.result(job).status_code == 200


def test_a_time_limit_ends_a_job(jobs: Jobs) -> None:
    job = jobs.run(CROSS_JOIN, time_limit_s=0.5)
    assert (job["status"], job["reason"]) == ("failed", "time_limit")
    assert "0.5 s" in job["error"]["message"]


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running_service(tmp_path_factory.mktemp("capped"), JOB_MAX_RESULT_BYTES="1000000") as live:
        yield live


@pytest.mark.parametrize("format_", ["arrow", "parquet", "csv"])
def test_a_result_over_the_cap_says_how_far_it_came_and_leaves_nothing(capped: Live, format_: str) -> None:
    with capped.http() as http:
        jobs = Jobs(http)
        job = jobs.run("SELECT md5(range::VARCHAR) AS h FROM range(5000000)", format=format_)
        assert (job["status"], job["reason"]) == ("failed", "result_too_large")
        came_to = re.search(
            r"1,000,000 bytes that are kept; it had come to ([\d,]+) rows", job["error_message"]
        )
        assert came_to is not None, job["error_message"]
        assert f"Fewer than {came_to.group(1)} such rows fit" in job["error"]["hint"]
        rows = int(came_to.group(1).replace(",", ""))
        assert 1_000_000 / 36 < rows < 5_000_000
        assert not (capped.data_dir / "results" / job["job_id"]).exists()
        assert jobs.run("SELECT 1")["status"] == "completed"


def test_a_graphs_answer_over_the_cap_is_told_in_its_own_words(tmp_path: Path) -> None:
    with running_service(tmp_path, JOB_MAX_RESULT_BYTES="1024") as tiny, tiny.http() as http:
        jobs = Jobs(http)
        job = jobs.until(jobs.submit_graph(jobs.dataset_id("celegans_varshney_2011")))
        assert (job["status"], job["reason"]) == ("failed", "result_too_large")
        assert job["error_message"] == "the result is larger than the 1,024 bytes that are kept"
        assert "fewer hubs" in job["error"]["hint"]


def test_a_child_that_is_killed_is_tried_three_times(tmp_path: Path) -> None:
    with running_service(tmp_path) as live, live.http() as http:
        jobs = Jobs(http)
        jobs.run("SELECT 1")
        idle = children_of(live.process.pid)
        job = jobs.submit(CROSS_JOIN)
        killed: set[int] = set()
        while jobs.get(job["job_id"])["status"] in ("pending", "running"):
            for pid in children_of(live.process.pid) - idle - killed:
                os.kill(pid, 9)
                killed.add(pid)
        record = jobs.get(job["job_id"])
        assert (record["status"], record["reason"], record["attempt"]) == ("failed", "worker_lost", 3)
        assert "signal 9" in record["error"]["message"]
        assert len(killed) == 3
        assert jobs.run("SELECT 1")["status"] == "completed"


def test_a_memory_bomb_ends_one_job_while_others_go_on(tmp_path: Path) -> None:
    limits = {"SYNDB_JOB_MEMORY_BYTES": str(512 * 1024**2), "SYNDB_JOB_TEMP_BYTES": "0"}
    with running_service(tmp_path, **limits) as live, live.http() as http:
        jobs = Jobs(http)
        bomb = jobs.submit("SELECT list(a.range) FROM range(100000) a, range(100000) b")
        assert jobs.run("SELECT 1")["status"] == "completed"
        record = jobs.until(bomb)
        assert (record["status"], record["reason"]) == ("failed", "memory_limit")
        assert record["error"]["hint"]
