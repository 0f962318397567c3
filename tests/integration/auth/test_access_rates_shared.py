"""Rates that several API processes count together in Redis, and each alone while it is away."""

from __future__ import annotations

import asyncio

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from syndb_service.api.rate_limit import PRINCIPAL, RateLimit
from syndb_service.domain.access import Principal
from tests.support.servers.redis import Redis


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the service does to a good token."""
    scope[PRINCIPAL] = Principal("ada", academic=True)
    await PlainTextResponse("served")(scope, receive, send)


async def statuses(limit: RateLimit, requests: int) -> list[int]:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(limit), base_url="http://service")
    async with client as http:
        headers = {"Authorization": "Bearer token-of-ada"}
        return [(await http.get("/v1/jobs", headers=headers)).status_code for _ in range(requests)]


def test_processes_count_together_and_alone_without_redis(redis_server: Redis) -> None:
    async def work() -> None:
        one, other = (
            RateLimit(answers, requests=10, window_s=600, redis_url=redis_server.url) for _ in range(2)
        )
        assert await statuses(one, 8) == [200] * 8
        # The first of each process counts for the address: no token was found good there yet.
        assert await statuses(other, 6) == [200] * 4 + [429] * 2
        assert (await statuses(one, 1)) == [429]
        redis_server.kill()
        try:
            assert await statuses(one, 12) == [200] * 10 + [429] * 2
        finally:
            redis_server.start()

    asyncio.run(work())


def test_no_limit_is_no_limit() -> None:
    limit = RateLimit(answers, requests=0, window_s=600)
    assert asyncio.run(statuses(limit, 50)) == [200] * 50
