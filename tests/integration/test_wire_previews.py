"""The first rows of a job, while it runs and after."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pyarrow as pa
import pytest

from tests.support.live_service import Jobs
from tests.support.waiting import WAIT_S
from tests.support.wire import ABSENT, CROSS_JOIN, refused

ENDLESS = "SELECT a.range AS i, md5(b.range::VARCHAR) AS h FROM range(100000000) a, range(100000000) b"


def preview(jobs: Jobs, job: dict[str, Any]) -> httpx.Response:
    return jobs.http.get(f"/v1/jobs/{job['job_id']}/preview")


def rows(answer: httpx.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/vnd.apache.arrow.file"
    return pa.ipc.open_file(answer.content).read_all()


def test_the_first_rows_are_there_while_the_job_runs(jobs: Jobs) -> None:
    job = jobs.submit(ENDLESS)
    until = time.monotonic() + WAIT_S
    while (answer := preview(jobs, job)).status_code == 409:
        assert answer.headers["Retry-After"] == "1"
        refused(answer, 409, "preview_not_ready")
        assert time.monotonic() < until
    assert jobs.get(job["job_id"])["status"] == "running"
    table = rows(answer)
    assert table.num_rows == 100
    assert table.column_names == ["i", "h"]
    assert len(answer.content) < 256 * 1024
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    refused(preview(jobs, jobs.until(jobs.get(job["job_id"]))), 409, "job_cancelled")


@pytest.mark.parametrize("kind", ["arrow", "parquet", "csv"])
def test_a_preview_is_the_beginning_of_the_result(jobs: Jobs, kind: str) -> None:
    job = jobs.run("SELECT range AS i, range::VARCHAR AS t FROM range(300000) ORDER BY i", format=kind)
    assert rows(preview(jobs, job)).to_pylist() == [{"i": i, "t": str(i)} for i in range(100)]


@pytest.mark.parametrize("many", [0, 1, 99])
def test_a_small_result_is_its_preview(jobs: Jobs, many: int) -> None:
    table = rows(preview(jobs, jobs.run(f"SELECT range AS i, range AS i FROM range({many})")))
    assert table.column_names == ["i", "i_1"]
    assert table["i"].to_pylist() == list(range(many))


def test_wide_rows_are_fewer(jobs: Jobs) -> None:
    answer = preview(
        jobs,
        jobs.run("SELECT string_agg(md5(random()::VARCHAR), '') AS t FROM range(50000) GROUP BY range % 50"),
    )
    assert 0 < rows(answer).num_rows < 50
    assert len(answer.content) <= 256 * 1024
    huge = jobs.run("SELECT string_agg(md5(random()::VARCHAR), '') AS t FROM range(50000)")
    assert rows(preview(jobs, huge)).num_rows == 0


def test_a_long_query_has_a_preview_too(jobs: Jobs) -> None:
    assert rows(preview(jobs, jobs.run("SELECT 1 AS n -- " + "x" * 500_000))).to_pylist() == [{"n": 1}]


def test_jobs_without_rows(jobs: Jobs, stranger: Jobs) -> None:
    graph = jobs.submit_graph(jobs.dataset_id("celegans_white_1986"))
    refused(preview(jobs, graph), 409, "no_preview")
    refused(preview(jobs, jobs.until(graph)), 409, "no_preview")
    failed = jobs.run("SELECT name::INTEGER FROM neurons")
    refused(preview(jobs, failed), 409, "job_failed")
    refused(preview(jobs, {"job_id": ABSENT}), 404, "job_not_found")
    refused(preview(stranger, jobs.run("SELECT 1")), 404, "job_not_found")


def test_nothing_of_a_result_over_the_cap_is_shown_when_it_failed(jobs: Jobs) -> None:
    job = jobs.run(CROSS_JOIN, time_limit_s=0.2)
    refused(preview(jobs, job), 409, "job_failed")


def test_a_preview_goes_with_the_result(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    jobs.http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"})
    assert refused(preview(jobs, job), 410, "result_expired")["rerun"].endswith("/rerun")


def test_first_rows_do_not_wait_for_a_large_batch(jobs: Jobs) -> None:
    slow = "regexp_extract(repeat(range::VARCHAR || 'ab', 200), '(a|b|ab)*c')"
    job = jobs.submit(f"SELECT range AS i, {slow} AS found FROM range(200000)", time_limit_s=120)
    until = time.monotonic() + WAIT_S
    while (answer := preview(jobs, job)).status_code == 409:
        assert time.monotonic() < until
    table = rows(answer)
    assert table["i"].to_pylist() == list(range(100))
    progress = jobs.get(job["job_id"])["progress"]
    assert progress["rows"] is None or progress["rows"] < 131_072
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
