"""Following a job by server-sent events."""

from __future__ import annotations

import json
import threading

import pytest

from tests.support.live_service import Jobs, Live
from tests.support.wire import ABSENT, CROSS_JOIN, events, refused


def test_a_job_is_followed_to_its_end(jobs: Jobs) -> None:
    job = jobs.submit("SELECT max(md5(range::VARCHAR)) AS m FROM range(20000000)")
    with jobs.http.stream("GET", f"/v1/jobs/{job['job_id']}/events") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        seen = list(events(answer))
    versions = [version for version, _ in seen]
    assert versions == sorted(set(versions))
    assert all(record["version"] == version for version, record in seen)
    assert "running" in {record["status"] for _, record in seen}
    assert seen[-1][1] == jobs.get(job["job_id"])
    assert seen[-1][1]["status"] == "completed"


def test_a_listener_resumes_where_it_was(jobs: Jobs) -> None:
    job = jobs.until(jobs.submit(CROSS_JOIN), "running")
    url = f"/v1/jobs/{job['job_id']}/events"
    with jobs.http.stream("GET", url) as answer:
        known, _ = next(events(answer))
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    final = jobs.until(jobs.get(job["job_id"]))
    with jobs.http.stream("GET", url, headers={"Last-Event-ID": str(known)}) as answer:
        seen = list(events(answer))
    assert [version for version, _ in seen] == [final["version"]]
    assert jobs.http.get(url, headers={"Last-Event-ID": str(final["version"])}).status_code == 204
    with jobs.http.stream("GET", url, headers={"Last-Event-ID": "99999"}) as answer:
        assert [record for _, record in events(answer)] == [final], "an id from nowhere begins anew"


def test_events_of_no_job_of_mine(jobs: Jobs, stranger: Jobs) -> None:
    job = jobs.run("SELECT 1")
    refused(stranger.http.get(f"/v1/jobs/{job['job_id']}/events"), 404, "job_not_found")
    refused(jobs.http.get(f"/v1/jobs/{ABSENT}/events"), 404, "job_not_found")
    wrong = {"Last-Event-ID": "nowhere"}
    refused(jobs.http.get(f"/v1/jobs/{job['job_id']}/events", headers=wrong), 422, "invalid_request")


def test_many_jobs_are_followed_by_one_stream(jobs: Jobs, stranger: Jobs) -> None:
    ended, running = (
        jobs.run("SELECT 1", label="a\u2028b\x85c"),
        jobs.until(jobs.submit(CROSS_JOIN), "running"),
    )
    theirs = stranger.run("SELECT 1")
    asked = [("job", one["job_id"]) for one in (running, ended)]
    with jobs.http.stream("GET", "/v1/jobs/events", params=asked) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert float(answer.headers["Syndb-Heartbeat"]) <= 2
        stream = events(answer)
        first = [next(stream)[1] for _ in range(2)]
        assert {record["job_id"]: record["status"] for record in first} == {
            ended["job_id"]: "completed",
            running["job_id"]: "running",
        }
        assert next(record for record in first if record["status"] == "completed")["label"] == ended["label"]
        jobs.http.delete(f"/v1/jobs/{running['job_id']}")
        rest = [record for _, record in stream]
    assert {record["job_id"] for record in rest} == {running["job_id"]}
    assert rest[-1]["status"] == "cancelled"
    known = [
        ("job", f"{rest[-1]['job_id']}:{rest[-1]['version']}"),
        ("job", theirs["job_id"]),
        ("job", ABSENT),
    ]
    told = jobs.http.get("/v1/jobs/events", params=known).text
    refusals = [
        json.loads(part.partition("data: ")[2]) for part in told.split("\n\n") if "event: refused" in part
    ]
    assert {one["job_id"]: one["code"] for one in refusals} == {
        theirs["job_id"]: "job_not_found",
        ABSENT: "job_not_found",
    }
    assert told.count("event: job") == 1, "a final record is told, known or not"


@pytest.mark.parametrize(
    "asked", [[], [("job", "nothing")], [("job", f"{ABSENT}:x")], [("job", ABSENT)] * 101]
)
def test_a_stream_of_no_jobs_or_of_too_many_is_refused(jobs: Jobs, asked: list[tuple[str, str]]) -> None:
    refused(jobs.http.get("/v1/jobs/events", params=asked), 422, "invalid_request")
    with jobs.http.stream("GET", "/v1/jobs/events", params=asked, headers={"Authorization": "x"}) as answer:
        assert answer.status_code == 401


@pytest.mark.parametrize("many", [60])
def test_many_listeners_are_told_and_the_service_still_answers(live: Live, jobs: Jobs, many: int) -> None:
    job = jobs.until(jobs.submit(CROSS_JOIN), "running")
    listening = threading.Barrier(many + 1, timeout=120)
    ends: list[str] = []

    def listen() -> None:
        with live.http() as http, http.stream("GET", f"/v1/jobs/{job['job_id']}/events") as answer:
            stream = events(answer)
            next(stream)
            listening.wait()
            ends.append([record for _, record in stream][-1]["status"])

    threads = [threading.Thread(target=listen) for _ in range(many)]
    for thread in threads:
        thread.start()
    listening.wait()
    assert jobs.run("SELECT 1")["status"] == "completed"
    jobs.http.delete(f"/v1/jobs/{job['job_id']}")
    for thread in threads:
        thread.join(timeout=120)
    assert ends == ["cancelled"] * many
