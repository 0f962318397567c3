"""A result whose stored file is damaged: never given out, never used again, mended by a rerun."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

import syndb_lab
from tests.support.live_service import Jobs, Live
from tests.support.wire import refused

QUERY = "SELECT name, cell_class FROM neurons WHERE name > $x ORDER BY name"


def stored(live: Live, job: dict[str, Any]) -> Path:
    return live.data_dir / "results" / job["job_id"] / str(job["attempt"])


def turn_a_bit(file: Path) -> None:
    state = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(bytes(file.stat().st_size))
    other.replace(file)


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (turn_a_bit, "result_damaged"),
        (cut, "result_damaged"),
        (replace, "result_damaged"),
        (remove, "result_lost"),
    ],
)
def test_a_damaged_result(live: Live, jobs: Jobs, damage: Callable[[Path], None], code: str) -> None:
    values = {"x": f"A{damage.__name__}"}
    job = jobs.run(QUERY, parameters=values)
    whole = jobs.result(job).content
    damage(stored(live, job))
    path = f"/v1/jobs/{job['job_id']}/result"
    for headers in ({}, {"Range": "bytes=0-9"}):
        answer = jobs.http.get(path, headers=headers)
        refused(answer, 410, code)
        assert answer.headers["Link"] == f'</v1/jobs/{job["job_id"]}/rerun>; rel="rerun"'
    assert jobs.http.head(path).status_code == 410
    record = jobs.get(job["job_id"])
    assert record["status"] == "completed"
    assert record["reason"] == (None if code == "result_lost" else code)
    assert jobs.http.get(f"/v1/jobs/{job['job_id']}/preview").status_code == 200, (
        "the preview is in the database"
    )

    refusal = jobs.http.post("/v1/jobs", json={"query": f"SELECT count(*) FROM {{{{{job['job_id']}}}}}"})
    if refusal.status_code == 202:  # it is not known yet, and is found when the job runs
        failed = jobs.until(refusal.json(), "failed")
        assert failed["error"]["code"] == code
        assert job["job_id"] in failed["error"]["message"]
    else:
        assert (refusal.status_code, refusal.json()["code"]) == (400, code)

    again = jobs.run(QUERY, parameters=values, reuse=True)
    assert again["result"]["reused_from"] is None, "what is damaged is not used again"
    assert jobs.result(again).content[-100:] == whole[-100:]
    rerun = jobs.until(jobs.http.post(f"/v1/jobs/{job['job_id']}/rerun").json())
    assert pa.ipc.open_file(jobs.result(rerun).content).read_all() == pa.ipc.open_file(whole).read_all()


def test_a_part_of_a_result_that_is_damaged(live: Live, jobs: Jobs) -> None:
    white = jobs.dataset_id("celegans_white_1986")
    job = jobs.until(jobs.submit_graph(white, analysis="metrics", node_table=True))
    path = f"/v1/jobs/{job['job_id']}/result"
    assert jobs.http.get(path, params={"part": "neurons"}).status_code == 200
    turn_a_bit(stored(live, job))
    for part in ({}, {"part": "neurons"}):
        refused(jobs.http.get(path, params=part), 410, "result_damaged")


def test_a_result_that_is_read_by_another_job(live: Live, jobs: Jobs) -> None:
    job = jobs.run(QUERY, parameters={"x": "read by another"})
    turn_a_bit(stored(live, job))
    failed = jobs.until(jobs.submit(f"SELECT count(*) AS n FROM {{{{{job['job_id']}}}}}"), "failed")
    assert (failed["error"]["code"], failed["reason"]) == ("result_damaged", "invalid_query")
    assert jobs.get(job["job_id"])["reason"] == "result_damaged"


def test_a_file_that_is_cut_while_it_is_sent(live: Live, jobs: Jobs) -> None:
    job = jobs.run("SELECT hash(range) AS h FROM range(6000000)")
    log = live.data_dir.parent / "up.log"
    before = log.stat().st_size
    with jobs.http.stream("GET", f"/v1/jobs/{job['job_id']}/result") as answer:
        assert answer.status_code == 200
        chunks = answer.iter_raw(1000)
        next(chunks)
        os.truncate(stored(live, job), 100)
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in chunks:
                pass
    refused(jobs.result(job), 410, "result_damaged")
    said = log.read_text()[before:]
    assert "response aborted: the file of this result is not in the result store" in said
    assert "Traceback" not in said


def test_the_client_says_so_and_a_copy_that_is_here_is_read(live: Live, jobs: Jobs, tmp_path: Path) -> None:
    lab = syndb_lab.Lab(live.url, live.token)
    fetched, other = (lab.sql(QUERY, parameters={"x": x}).wait() for x in ("client 1", "client 2"))
    for job in (fetched, other):
        job._cache.folder = tmp_path
    fetched.result_path()
    for job in (fetched, other):
        turn_a_bit(stored(live, job.record))
    assert fetched.to_polars().columns == ["name", "cell_class"]
    with pytest.raises(syndb_lab.ResultDamaged, match=r"(?s)damaged in the.*job\.rerun\(\)"):
        other.to_polars()
    assert other.rerun().to_polars().columns == ["name", "cell_class"]
