"""Downloading a result: whole, in ranges, not again."""

from __future__ import annotations

import base64
import email
import hashlib
from typing import Any

import httpx
import pytest

from tests.support.live_service import Jobs
from tests.support.wire import refused

LONG_AGO = "Mon, 01 Jan 2001 00:00:00 GMT"


@pytest.fixture(scope="module")
def job(jobs: Jobs) -> dict[str, Any]:
    return jobs.run("SELECT range AS i, md5(range::VARCHAR) AS h FROM range(60000)")


@pytest.fixture(scope="module")
def whole(jobs: Jobs, job: dict[str, Any]) -> bytes:
    return jobs.result(job).content


def get(jobs: Jobs, job: dict[str, Any], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return jobs.http.get(f"/v1/jobs/{job['job_id']}/result", headers=named)


def test_the_headers_tell_what_it_is(jobs: Jobs, job: dict[str, Any], whole: bytes) -> None:
    answer = get(jobs, job)
    etag = answer.headers["ETag"]
    assert etag == f'"{hashlib.sha256(whole).hexdigest()}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.headers["Cache-Control"] == "private"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{job["job_id"]}.arrow"'
    for name in ("Last-Modified", "Expires"):
        assert answer.headers[name].endswith("GMT")
    digest = answer.headers["Repr-Digest"]
    assert digest == f"sha-256=:{base64.b64encode(hashlib.sha256(whole).digest()).decode()}:"
    head = jobs.http.head(f"/v1/jobs/{job['job_id']}/result")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Expires", "Accept-Ranges"):
        assert head.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=-999999999", slice(None)),
        ("bytes=100-999999999999", slice(100, None)),
        ("BYTES = 0-1", slice(0, 2)),
        ("bytes=0-9,10-19", slice(0, 20)),
        ("bytes=5-14, 0-9", slice(0, 15)),
        ("bytes=0-9,999999999-", slice(0, 10)),
    ],
)
def test_a_part(jobs: Jobs, job: dict[str, Any], whole: bytes, asked: str, part: slice) -> None:
    answer = get(jobs, job, Range=asked)
    assert answer.status_code == 206
    assert answer.content == whole[part]
    start, stop, _ = part.indices(len(whole))
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert answer.headers["Content-Length"] == str(stop - start)


def test_several_parts(jobs: Jobs, job: dict[str, Any], whole: bytes) -> None:
    answer = get(jobs, job, Range="bytes=1000-1099,0-9,-20")
    assert answer.status_code == 206
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + answer.content).get_payload()
    assert [part["Content-Range"].split("/")[0] for part in parts] == [  # type: ignore[union-attr]
        "bytes 0-9",
        "bytes 1000-1099",
        f"bytes {len(whole) - 20}-{len(whole) - 1}",
    ]
    wanted = [whole[0:10], whole[1000:1100], whole[-20:]]
    assert all(part in answer.content for part in wanted)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=5-2",
        "bytes=a-b",
        "bytes=-",
        "bytes=",
        "lines=0-1",
        "nonsense",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 400, 4)),
        "bytes=0-" + "9" * 5000,
    ],
)
def test_a_range_that_is_none_is_ignored(jobs: Jobs, job: dict[str, Any], whole: bytes, asked: str) -> None:
    answer = get(jobs, job, Range=asked)
    assert (answer.status_code, answer.content) == (200, whole)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_range_beyond_the_end(jobs: Jobs, job: dict[str, Any], whole: bytes, asked: str) -> None:
    answer = get(jobs, job, Range=asked)
    refused(answer, 416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_a_range_of_another_result(jobs: Jobs, job: dict[str, Any], whole: bytes) -> None:
    known = get(jobs, job).headers
    for validator in (known["ETag"], known["Last-Modified"]):
        assert get(jobs, job, Range="bytes=0-9", If_Range=validator).content == whole[:10]
    for validator in ('"another"', LONG_AGO, f"W/{known['ETag']}", "nonsense"):
        answer = get(jobs, job, Range="bytes=0-9", If_Range=validator)
        assert (answer.status_code, answer.content) == (200, whole)
    assert get(jobs, job, Range="bytes=99999999-", If_Range='"another"').status_code == 200


def test_what_the_caller_has_is_not_sent_again(jobs: Jobs, job: dict[str, Any]) -> None:
    etag = get(jobs, job).headers["ETag"]
    for header in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = get(jobs, job, If_None_Match=header, Range="bytes=0-9")
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert "Expires" in answer.headers
    assert get(jobs, job, If_None_Match='"another"').status_code == 200
    head = jobs.http.head(f"/v1/jobs/{job['job_id']}/result", headers={"If-None-Match": etag})
    assert head.status_code == 304


def test_a_store_without_urls_streams(jobs: Jobs, job: dict[str, Any], whole: bytes) -> None:
    answer = jobs.http.get(f"/v1/jobs/{job['job_id']}/result", params={"redirect": "true"})
    assert (answer.status_code, answer.content) == (200, whole)


def test_a_download_that_is_broken_off_is_taken_up(jobs: Jobs, job: dict[str, Any], whole: bytes) -> None:
    with jobs.http.stream("GET", f"/v1/jobs/{job['job_id']}/result") as answer:
        etag = answer.headers["ETag"]
        begun = next(answer.iter_raw(1000))
    rest = get(jobs, job, Range=f"bytes={len(begun)}-", If_Range=etag)
    assert begun + rest.content == whole


def test_a_graph_result_comes_in_parts_too(jobs: Jobs) -> None:
    done = jobs.until(jobs.submit_graph(jobs.dataset_id("celegans_white_1986")))
    answer = get(jobs, done, Range="bytes=0-0")
    assert (answer.status_code, answer.content) == (206, b"{")
    assert answer.headers["Content-Type"] == "application/json"
