"""Nobody's submissions, however many and however slow to check, keep out somebody else's."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from fastapi.routing import APIRoute

from syndb_service.api.concurrency_limit import CONCURRENCY_LIMIT, UserConcurrencyLimit
from syndb_service.api.routes import jobs
from syndb_service.errors import TooManyRequests


async def held(turns: UserConcurrencyLimit, user: str, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(turns.acquire(user))


def test_one_user_waits_for_himself_and_others_pass_by() -> None:
    async def work() -> None:
        turns, order = UserConcurrencyLimit(max_active=2, max_waiting=10, timeout_s=60), list[str]()
        async with AsyncExitStack() as slow:
            await held(turns, "eve", slow)
            await held(turns, "eve", slow)

            async def another() -> None:
                async with turns.acquire("eve"):
                    order.append("eve")

            waiting = [asyncio.create_task(another()) for _ in range(10)]
            await asyncio.sleep(0)
            for _ in range(5):
                async with turns.acquire("bob"):
                    order.append("bob")
            with pytest.raises(TooManyRequests, match="12 submissions"):
                async with turns.acquire("eve"):
                    pass
        await asyncio.gather(*waiting)
        assert order == ["bob"] * 5 + ["eve"] * 10
        async with turns.acquire("eve"):
            pass

    asyncio.run(work())


def test_who_waits_too_long_is_told_and_gives_way() -> None:
    async def work() -> None:
        turns = UserConcurrencyLimit(max_active=1, max_waiting=1, timeout_s=0.01)
        async with AsyncExitStack() as slow:
            await held(turns, "eve", slow)
            for _ in range(3):
                with pytest.raises(TooManyRequests, match="take long"):
                    async with turns.acquire("eve"):
                        pass
        async with turns.acquire("eve"):
            pass

    asyncio.run(work())


def test_a_turn_ends_with_a_refusal_too() -> None:
    async def work() -> None:
        turns = UserConcurrencyLimit(max_active=1, max_waiting=0, timeout_s=0.01)
        for _ in range(3):
            with pytest.raises(ValueError, match="bad SQL"):
                async with turns.acquire("eve"):
                    raise ValueError("bad SQL")

    asyncio.run(work())


def test_every_route_that_checks_a_submission_takes_turns() -> None:
    routes = [route for route in jobs.router.routes if isinstance(route, APIRoute)]
    taking = {
        route.path_format
        for route in routes
        if any(each.call is CONCURRENCY_LIMIT.dependency for each in route.dependant.dependencies)
    }
    assert taking == {"/v1/jobs", "/v1/jobs/graph", "/v1/jobs/validate", "/v1/jobs/{job_id}/rerun"}
