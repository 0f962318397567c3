"""Whose requests count for whom: a flood keeps out whoever sent it, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from syndb_service.api import problem_details
from syndb_service.api.rate_limit import PRINCIPAL, RateLimit
from syndb_service.domain.access import Principal

Sent = list[tuple[str, str]]
MOST = 20


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """Let in whose first token is good-NAME, as authentication does, but for an open route."""
    given = (Headers(scope=scope).get("authorization") or "").removeprefix("Bearer").strip()
    if scope["path"] == "/openapi.json":
        status = 200
    elif given.startswith("good-"):
        scope[PRINCIPAL], status = Principal(given, academic=True), 200
    else:
        scope[problem_details.ERROR_CODE], status = "unauthenticated", 401
    await PlainTextResponse("", status)(scope, receive, send)


def bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


def same(*headers: tuple[str, str]) -> Iterator[Sent]:
    while True:
        yield list(headers)


FLOODS = {
    "a good token": ("/v1/jobs", same(bearer("good-eve"))),
    "a good token before others": ("/v1/jobs", ([bearer("good-eve"), bearer(f"{n}")] for n in count())),
    "a good token, written otherwise": (
        "/v1/jobs",
        ([("Authorization", f"{'bearer' if n % 2 else 'BEARER'} {' ' * n}good-eve")] for n in count()),
    ),
    "a token that is refused": ("/v1/jobs", same(bearer("revoked"))),
    "a token on an open route": ("/openapi.json", same(bearer("whatever"))),
    "no token": ("/v1/jobs", same()),
}


def test_a_token_that_was_only_shown_on_an_open_route_is_nobodys_fault() -> None:
    async def work() -> None:
        transport = httpx.ASGITransport(RateLimit(answers, requests=MOST, window_s=600))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            await http.get("/openapi.json", headers=[bearer("good-ada")])
            for _ in range(3 * MOST):
                await http.get("/v1/jobs", headers=[bearer("revoked")])
            assert (await http.get("/v1/jobs", headers=[bearer("good-ada")])).status_code == 200

    asyncio.run(work())


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_keeps_out_whoever_sent_it_and_nobody_else(what: str) -> None:
    async def work() -> None:
        transport = httpx.ASGITransport(RateLimit(answers, requests=MOST, window_s=600))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            path, flood = FLOODS[what]
            sent = [(await http.get(path, headers=next(flood))).status_code for _ in range(3 * MOST)]
            assert sent[-MOST:] == [429] * MOST
            for user in ("good-ada", "good-bob"):
                assert (await http.get("/v1/jobs", headers=[bearer(user)])).status_code == 200

    asyncio.run(work())


def test_asking_an_open_route_does_not_make_a_user_a_stranger() -> None:
    async def work() -> None:
        transport = httpx.ASGITransport(RateLimit(answers, requests=MOST, window_s=600))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            paths = ["/v1/jobs", "/openapi.json"] * MOST
            sent = [(await http.get(path, headers=[bearer("good-eve")])).status_code for path in paths]
            assert sent.count(200) == MOST + 1  # the first counted for the address

    asyncio.run(work())


@pytest.mark.parametrize("path", ["/health", "/health/identity", "/health/ready"])
def test_no_flood_hides_that_a_service_lives_and_whose_it_is(path: str) -> None:
    async def work() -> None:
        transport = httpx.ASGITransport(RateLimit(answers, requests=MOST, window_s=600))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            flood = [(await http.get("/v1/jobs")).status_code for _ in range(MOST + 1)]
            assert flood[-1] == 429
            assert (await http.get(path)).status_code != 429

    asyncio.run(work())
