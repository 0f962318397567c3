"""Following a job through streams, polls and breaks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from syndb_lab.errors import AccessDenied, AuthError, JobNotFound, ResultExpired
from syndb_lab.http.job_events import JobUpdate, iter_updates
from syndb_lab.http.transport import Transport
from tests.support.lab_fakes import JOB_ID, Answer, job_record

Pretend = Callable[[Answer], Transport]
STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syndb_lab.http.job_events.PAUSES_S", (0.01,))


def event(status: str, version: int) -> bytes:
    record = job_record(status, version=version)
    return f"id: {version}\nevent: job\ndata: {json.dumps(record)}\n\n".encode()


class Breaking(httpx.SyncByteStream):
    """A stream that gives some bytes, and breaks."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        raise httpx.ReadError("broken")


def heard(transport: Transport, version: int = 1) -> list[JobUpdate]:
    return list(iter_updates(transport, job_record("running", version=version), threading.Event()))


def versions(found: list[JobUpdate]) -> list[int]:
    return [one.record["version"] for one in found if one.unavailable_s is None]


def test_a_stream_is_read_to_its_final_record(pretend: Pretend) -> None:
    content = b"retry: 1000\n\n" + event("running", 4) + b": still here\n\n" + event("completed", 5)
    found = heard(pretend(lambda _: httpx.Response(200, headers=STREAM, content=content)))
    assert versions(found) == [4, 5]


def test_a_broken_stream_goes_on_after_the_last_version(pretend: Pretend) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Last-Event-ID"])
        if len(asked) == 1:
            return httpx.Response(200, headers=STREAM, stream=Breaking(b"retry: 1\n\n", event("running", 4)))
        return httpx.Response(200, headers=STREAM, content=event("completed", 9))

    found = heard(pretend(answer))
    assert versions(found) == [4, 9]
    assert asked == ["1", "4"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "trouble",
    [
        lambda: httpx.Response(
            429, headers={"Retry-After": "0"}, json={"code": "rate_limited", "detail": "slow"}
        ),
        lambda: httpx.Response(429, json={"code": "too_many_streams", "detail": "too many"}),
        lambda: httpx.Response(500, text="<h1>oops</h1>"),
        lambda: httpx.Response(502, text=""),
        lambda: httpx.Response(503, headers={"Retry-After": "0"}, json={"detail": "the database is away"}),
        lambda: httpx.Response(504),
        lambda: httpx.Response(200, html="<h1>log in</h1>"),
        lambda: httpx.Response(302, headers={"Location": "/login"}),
        lambda: httpx.Response(200, headers=STREAM, content=b"data: <html>\n\n"),
        lambda: httpx.Response(200, headers=STREAM, stream=Breaking(b"retry: 1\n\n: here\n")),
        lambda: httpx.Response(200, headers=STREAM, stream=Breaking()),
        lambda: httpx.Response(200, headers=STREAM, content=b""),
        lambda: httpx.Response(200, headers={**STREAM, "Content-Encoding": "gzip"}, content=b"no gzip"),
    ],
)
def test_a_refused_or_failing_stream_is_asked_again(
    pretend: Pretend, trouble: Callable[[], httpx.Response]
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) in (1, 3):
            return trouble()
        return httpx.Response(
            200, headers=STREAM, content=event("completed" if len(asked) > 3 else "running", len(asked))
        )

    found = heard(pretend(answer), version=0)
    assert versions(found)[-1] == 4
    assert found[-1].record["status"] == "completed"
    assert asked == [f"/v1/jobs/{JOB_ID}/events"] * 4


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthError), (403, AccessDenied), (404, JobNotFound), (410, ResultExpired)]
)
def test_a_final_refusal_is_told_once(pretend: Pretend, status: int, error: type[Exception]) -> None:
    asked: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(status, json={"detail": "no more"})

    with pytest.raises(error, match="no more"):
        heard(pretend(answer))
    assert len(asked) == 1


def test_the_service_says_when_to_ask_again(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("syndb_lab.http.job_events.asyncio.sleep", noted)
    answers = iter(
        [
            httpx.Response(429, headers={"Retry-After": "7"}),
            httpx.Response(503, headers={"Retry-After": "9999"}),
        ]
    )
    last = httpx.Response(200, headers=STREAM, content=event("completed", 9))
    found = heard(pretend(lambda _: next(answers, last)))
    assert [pause for pause in pauses if pause > 1] == [7.0, 60.0]
    assert [one.trouble for one in found if one.trouble] == [
        "the service answers 429",
        "the service answers 503",
    ]


@pytest.mark.parametrize("garbled", [b"data: <html>\n\n", b'data: {"n": 1}\n\n', b"data: [1]\n\n"])
def test_streams_that_are_garbled_again_are_given_up_for_polls(pretend: Pretend, garbled: bytes) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path.rpartition("/")[2])
        if paths[-1] == "events":
            return httpx.Response(200, headers=STREAM, content=garbled)
        return httpx.Response(200, json=job_record("completed", version=6))

    assert versions(heard(pretend(answer))) == [6]
    assert paths.count("events") == 2


def test_streams_that_only_break_are_given_up_for_polls(pretend: Pretend) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("events"):
            return httpx.Response(200, headers=STREAM, stream=Breaking())
        return httpx.Response(200, json=job_record("completed", version=6))

    assert versions(heard(pretend(answer))) == [6]


def test_a_service_that_is_away_is_said_to_be(pretend: Pretend) -> None:
    tries: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        tries.append(1)
        if len(tries) < 12:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, headers=STREAM, content=event("completed", 2))

    found = heard(pretend(answer))
    away = [one.unavailable_s for one in found if one.unavailable_s is not None]
    assert away == sorted(away)
    assert away
    assert versions(found) == [2]


def test_a_token_that_expired_meanwhile_ends_it(pretend: Pretend) -> None:
    problem: dict[str, Any] = {"detail": "the token has expired", "code": "token_expired"}
    with pytest.raises(AuthError, match="the token has expired"):
        heard(pretend(lambda _: httpx.Response(401, json=problem)))


def test_the_final_record_is_fetched_where_the_stream_has_nothing_to_add(pretend: Pretend) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("events"):
            return httpx.Response(204)
        return httpx.Response(200, json=job_record("completed", version=1))

    assert versions(heard(pretend(answer))) == [1]
