"""What an owner may change of a job: its label, and how long its result is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.live_service import Jobs, Live, running_service
from tests.support.waiting import wait_until
from tests.support.wire import ABSENT, CROSS_JOIN, refused


def url(job: dict[str, Any]) -> str:
    return f"/v1/jobs/{job['job_id']}"


def moment(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def test_a_label_comes_and_goes(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1", label="first")
    answer = jobs.http.patch(url(job), json={"label": "second"})
    assert answer.status_code == 200
    assert answer.json() == job | {"label": "second", "version": job["version"] + 1}
    found = jobs.http.get("/v1/jobs", params={"label": "second"}).json()["jobs"]
    assert [each["job_id"] for each in found] == [job["job_id"]]
    cleared = jobs.http.patch(url(job), json={"label": None}).json()
    assert cleared["label"] is None
    assert jobs.http.patch(url(job), json={}).json() == cleared, "nothing sent, nothing changed"


def test_a_running_job_is_named(jobs: Jobs) -> None:
    job = jobs.until(jobs.submit(CROSS_JOIN), "running")
    assert jobs.http.patch(url(job), json={"label": "slow"}).json()["label"] == "slow"
    answer = jobs.http.patch(url(job), json={"expires_at": moment(hours=1)})
    assert answer.headers["Retry-After"]
    refused(answer, 409, "result_not_ready")
    jobs.http.delete(url(job))
    cancelled = jobs.until(jobs.get(job["job_id"]))
    assert cancelled["label"] == "slow"
    refused(jobs.http.patch(url(job), json={"expires_at": moment(hours=1)}), 409, "job_cancelled")


def test_a_result_is_kept_longer_within_the_maximum(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=29)
    changed = jobs.http.patch(url(job), json={"expires_at": later.isoformat(), "label": "kept"}).json()
    assert (datetime.fromisoformat(changed["expires_at"]), changed["label"]) == (later, "kept")
    for wrong in (moment(days=31), moment(hours=-1), "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        body = refused(jobs.http.patch(url(job), json={"expires_at": wrong}), 422, "invalid_expires_at")
        assert "can be kept until" in body["detail"]
    assert jobs.get(job["job_id"]) == changed


def test_a_result_is_kept_for_hours_by_the_services_clock(jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    answer = jobs.http.patch(url(job), json={"keep_hours": 5})
    assert answer.status_code == 200
    now = parsedate_to_datetime(answer.headers["Date"])
    until = datetime.fromisoformat(answer.json()["expires_at"])
    assert abs(until - now - timedelta(hours=5)) < timedelta(seconds=60)
    refused(jobs.http.patch(url(job), json={"keep_hours": 24 * 31}), 422, "invalid_expires_at")
    assert jobs.get(job["job_id"]) == answer.json()


@pytest.mark.parametrize(
    "body",
    [
        {"keep_hours": 0},
        {"keep_hours": -1},
        {"keep_hours": 1e300},
        {"keep_hours": "5"},
        {"keep_hours": True},
        {"keep_hours": None},
        {"keep_hours": 5, "expires_at": "2030-02-01T00:00:00Z"},
        {"expires_at": None},
        {"expires_at": "tomorrow"},
        {"expires_at": 1_900_000_000},
        {"expires_at": "2030-02-31T00:00:00Z"},
        {"label": 7},
        {"label": "x" * 201},
        {"label": "a\x00b"},
        {"label": "a\nb"},
        {"status": "completed"},
        [],
        None,
    ],
)
def test_changes_that_make_no_sense(jobs: Jobs, body: Any) -> None:
    job = jobs.run("SELECT 1")
    refused(jobs.http.patch(url(job), json=body), 422, "invalid_request")
    assert jobs.get(job["job_id"]) == job


def test_changes_by_someone_else(jobs: Jobs, stranger: Jobs) -> None:
    job = jobs.run("SELECT 1")
    refused(stranger.http.patch(url(job), json={"label": "mine"}), 404, "job_not_found")
    refused(stranger.http.patch(url(job), json={"expires_at": moment(hours=1)}), 404, "job_not_found")
    refused(stranger.http.delete(url(job), params={"purge": "true"}), 404, "job_not_found")
    refused(jobs.http.patch(f"/v1/jobs/{ABSENT}", json={"label": "x"}), 404, "job_not_found")
    assert jobs.get(job["job_id"]) == job


def test_a_result_is_destroyed_on_demand(live: Live, jobs: Jobs) -> None:
    job = jobs.run("SELECT 1")
    folder = live.data_dir / "results" / job["job_id"]
    assert folder.exists()
    answer = jobs.http.delete(url(job), params={"purge": "true"})
    assert answer.status_code == 200
    record = answer.json()
    assert (record["status"], record["reason"]) == ("completed", "expired")
    assert record["result"] == job["result"], "the record is kept"
    assert record["expires_at"] < job["expires_at"]
    assert not folder.exists()
    body = refused(jobs.result(job), 410, "result_expired")
    assert body["rerun"] == f"{url(job)}/rerun"
    again = jobs.http.delete(url(job), params={"purge": "true"})
    assert again.json() == record, "a second time nothing changes"
    refused(jobs.http.patch(url(job), json={"expires_at": moment(hours=1)}), 410, "result_expired")
    assert jobs.until(jobs.http.post(body["rerun"]).json())["status"] == "completed"


def test_a_running_job_is_purged_to_nothing(live: Live, jobs: Jobs) -> None:
    job = jobs.submit("SELECT a.range AS i, md5(b.range::VARCHAR) FROM range(100000000) a, range(100000) b")
    wait_until(lambda: jobs.http.get(f"{url(job)}/preview").status_code == 200, 60)
    record = jobs.until(jobs.http.delete(url(job), params={"purge": "true"}).json())
    assert (record["status"], record["reason"]) == ("cancelled", "cancelled_by_user")
    assert not (live.data_dir / "results" / job["job_id"]).exists()
    refused(jobs.http.get(f"{url(job)}/preview"), 409, "job_cancelled")


def test_a_pending_and_a_failed_job_have_nothing_to_purge(tmp_path: Path) -> None:
    with running_service(tmp_path, JOB_QUEUE_MAX_WORKERS="1") as live, live.http() as http:
        jobs = Jobs(http)
        running = jobs.until(jobs.submit(CROSS_JOIN), "running")
        pending = jobs.submit("SELECT 1")
        assert http.delete(url(pending), params={"purge": "true"}).json()["status"] == "cancelled"
        http.delete(url(running))
        failed = jobs.run("SELECT name::INTEGER FROM neurons")
        assert http.delete(url(failed), params={"purge": "true"}).json() == failed
        refused(http.delete(url(failed), params={"purge": "maybe"}), 422, "invalid_request")


def test_the_maximum_is_a_setting(tmp_path: Path) -> None:
    with (
        running_service(tmp_path, SYNDB_MAX_RESULT_TTL_HOURS="0.001", SYNDB_SWEEP_S="0.2") as live,
        live.http() as http,
    ):
        jobs = Jobs(http)
        job = jobs.run("SELECT 1")
        refused(http.patch(url(job), json={"expires_at": moment(hours=1)}), 422, "invalid_expires_at")
        soon = moment(seconds=1)
        assert http.patch(url(job), json={"expires_at": soon}).status_code == 200
        wait_until(lambda: jobs.result(job).status_code != 200)
        refused(jobs.result(job), 410, "result_expired")
