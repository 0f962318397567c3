import json
import logging
from collections.abc import Callable

import httpx
import pytest

from syndb_lab import AuthError, Lab, ServiceUnavailable, SyndbError
from syndb_lab.http.transport import Transport, canonical_url, service_url
from tests.support.lab_fakes import Answer, job_record

Pretend = Callable[[Answer], Transport]


def test_a_submission_is_sent_again_under_the_same_key(pretend: Pretend) -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadError("cut")
        return httpx.Response(503 if len(keys) == 2 else 202, json=job_record())

    assert pretend(answer).post("/v1/jobs", {"query": "SELECT 1"})["status"] == "pending"
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_two_submissions_have_two_keys(pretend: Pretend) -> None:
    keys = set()

    def answer(request: httpx.Request) -> httpx.Response:
        keys.add(request.headers["Idempotency-Key"])
        return httpx.Response(202, json=job_record())

    transport = pretend(answer)
    transport.post("/v1/jobs", {})
    transport.post("/v1/jobs", {})
    assert len(keys) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_service_that_stays_away_is_given_up(pretend: Pretend, status: int) -> None:
    tries: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        tries.append(1)
        return httpx.Response(status, json={"detail": "the store is down"}, headers={"Retry-After": "0"})

    with pytest.raises(ServiceUnavailable, match="the store is down"):
        pretend(answer).get("/v1/jobs")
    assert len(tries) == 4


def test_who_asks_too_often_waits_and_asks_again(pretend: Pretend) -> None:
    answers = [
        httpx.Response(429, json={"detail": "slower", "code": "rate_limited"}, headers={"Retry-After": "0"}),
        httpx.Response(200, json={"jobs": []}),
    ]
    assert pretend(lambda _: answers.pop(0)).get("/v1/jobs") == {"jobs": []}


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_what_will_not_change_is_not_asked_again(pretend: Pretend, status: int) -> None:
    tries: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        tries.append(1)
        return httpx.Response(status, json={"detail": "no"})

    with pytest.raises(SyndbError):
        pretend(answer).get("/v1/jobs")
    assert len(tries) == 1


def test_the_service_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch, pretend: Pretend) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("syndb_lab.http.transport.time.sleep", pauses.append)

    def answer(_: httpx.Request) -> httpx.Response:
        headers = {"Retry-After": ["3", "9999", "soon"][len(pauses)]} if len(pauses) < 3 else {}
        return httpx.Response(503 if len(pauses) < 3 else 200, headers=headers, json={})

    pretend(answer).get("/health")
    assert pauses == [3, 10, 0]


def test_nothing_answers() -> None:
    lab = Lab("http://127.0.0.1:9")
    with pytest.raises(ServiceUnavailable, match=r"nothing answers at http://127\.0\.0\.1:9") as caught:
        lab.health()
    assert "syndb-lab up" in str(caught.value)


def test_the_token_shows_nowhere(pretend: Pretend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"])
        raise httpx.ConnectError("refused", request=request)

    transport = pretend(answer)
    with pytest.raises(ServiceUnavailable) as caught:
        transport.get("/v1/jobs")
    lab = Lab("https://service", "secret-token")
    shown = [repr(transport), repr(lab), repr(vars(transport)), str(caught.value), caplog.text]
    shown += [
        repr(value)
        for entry in caught.traceback
        if "syndb_lab" in str(entry.path)
        for value in entry.frame.f_locals.values()
    ]
    assert sent[0] == "Bearer secret-token"
    assert len(shown) > 5
    assert not [text for text in shown if "secret" in text]


@pytest.mark.parametrize("token", ["a\nb", "tökén", "a\x00"])
def test_a_token_that_cannot_be_sent_is_not_shown_either(token: str) -> None:
    with pytest.raises(AuthError) as caught:
        Lab("https://service", token)
    assert token not in str(caught.value)


def test_a_token_file_may_end_with_a_newline() -> None:
    with httpx.Client() as client:
        request = client.build_request("GET", "http://service")
    auth = Lab("https://service", "abc\n")._transport._client.auth
    assert auth is not None
    assert next(auth.auth_flow(request)).headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:8000", "127.0.0.1", "ftp://host", "http://", "http://u:pw@host", "x y"),
        *("https://host:0", "https://host:99999", "ftp://host/?token=pw", "http://u:pw@host/?token=pw#pw"),
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SyndbError, match="no address") as caught:
        service_url(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/?token=pw", "https://host#pw", "https://host/lab?"])
def test_an_address_holds_no_token(url: str) -> None:
    with pytest.raises(SyndbError, match=r"goes on with a \? or a #") as caught:
        Lab(url)
    assert "pw" not in str(caught.value)
    assert "connect(url, token)" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://[::1]:8700", "http://[0:0:0:0:0:0:0:1]:8700/", True),
        ("https://[2001:DB8::A]", "https://[2001:db8:0::a]:443", True),
        ("https://m\u00fcnchen.example", "HTTPS://XN--MNCHEN-3YA.example:0443/", True),
        ("https://host/a/../lab", "https://host/lab/", True),
        ("https://host", "https://host.", False),
        ("http://127.1", "http://127.0.0.1", False),
        ("https://host/lab", "https://host/Lab", False),
        ("https://host", "https://%68ost", False),
        ("https://host:8443", "https://host", False),
    ],
)
def test_one_service_has_one_spelling(one: str, other: str, same: bool) -> None:
    assert (canonical_url(one) == canonical_url(other)) is same
    assert canonical_url(canonical_url(other)) == canonical_url(other)


def test_an_address_may_have_a_path() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"path": request.url.path})

    transport = Transport("https://host/lab/", mount=httpx.MockTransport(answer))
    assert transport.get("/health") == {"path": "/lab/health"}


def test_a_page_that_is_no_service(pretend: Pretend) -> None:
    with pytest.raises(SyndbError, match="no syndb-lab service"):
        pretend(lambda _: httpx.Response(200, html="<h1>Welcome</h1>")).get("/health")


def test_a_redirect_is_not_followed_with_the_token(pretend: Pretend) -> None:
    with pytest.raises(SyndbError):
        pretend(lambda _: httpx.Response(302, headers={"Location": "http://evil/"})).get("/health")


def test_a_body_holds_what_was_given(pretend_lab: Callable[[Answer], Lab]) -> None:
    bodies: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(202, json=job_record())

    lab = pretend_lab(answer)
    lab.sql("SELECT 1")
    lab.sql("SELECT 1", reproducible=True)
    lab.sql("SELECT :n", parameters={"n": 720575940600000001}, format="csv", label="l", time_limit_s=5)
    dataset = "0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10"
    lab.graph(dataset, min_synapses=2, seed=0)
    assert bodies == [
        {"query": "SELECT 1", "format": "arrow"},
        {"query": "SELECT 1", "format": "arrow", "reproducible": True},
        {
            "query": "SELECT $n",
            "format": "csv",
            "parameters": {"n": 720575940600000001},
            "label": "l",
            "time_limit_s": 5,
        },
        {"dataset_id": dataset, "analysis": "full", "min_synapses": 2, "seed": 0},
    ]


def test_a_closed_connection_says_so(pretend: Pretend) -> None:
    transport = pretend(lambda _: httpx.Response(200, json={}))
    transport.close()
    with pytest.raises(SyndbError, match=r"closed[\s\S]*connect\(\)"):
        transport.get("/health")
    with pytest.raises(SyndbError, match="closed"), transport.stream("/v1/jobs/x/result", {}):
        pass
