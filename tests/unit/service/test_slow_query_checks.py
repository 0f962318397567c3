"""However many accounts submit what is slow to check: everybody else's requests are answered meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from syndb_service.api.app import create_app
from syndb_service.api.concurrency_limit import MAX_ACTIVE, UserConcurrencyLimit
from syndb_service.container import Container, build_container
from syndb_service.errors import TransientError
from syndb_service.jobs.query_checker import CheckedQuery
from syndb_service.settings import load_settings
from tests.support.waiting import WAIT_S

ACCOUNTS = 15


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Container]:
    service = build_container(load_settings(tmp_path))
    yield service
    service.close()


def client_of(service: Container, app: Any, user: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {service.tokens.create(user, academic=True)}"}
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)


@pytest.mark.slow
def test_slow_checks_of_many_accounts_hold_up_no_other_request(
    service: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, began = threading.Event(), threading.Semaphore(0)

    def held(query: str, *_: object, **__: object) -> CheckedQuery:
        began.release()
        assert released.wait(WAIT_S)
        return CheckedQuery(())

    async def all_began() -> None:
        for _ in range(ACCOUNTS * MAX_ACTIVE):
            while not began.acquire(blocking=False):
                await asyncio.sleep(0.01)

    async def main() -> None:
        app = create_app(service)
        slow = [client_of(service, app, f"slow{number}") for number in range(ACCOUNTS)]
        other = client_of(service, app, "ada")
        submissions = [
            asyncio.create_task(client.post("/v1/jobs", json={"query": f"SELECT {number}"}))
            for client in slow
            for number in range(MAX_ACTIVE)
        ]
        try:
            async with asyncio.timeout(WAIT_S):
                await all_began()
                assert (await other.get("/v1/jobs")).status_code == 200
                assert not any(task.done() for task in submissions), "the checks are held still"
            released.set()
            assert {answer.status_code for answer in await asyncio.gather(*submissions)} == {202}
        finally:
            released.set()
            for client in (*slow, other):
                await client.aclose()

    monkeypatch.setattr(service.query_checker, "check", held)
    asyncio.run(main())


def test_where_all_threads_of_submissions_are_busy_the_next_is_told_so() -> None:
    async def main() -> None:
        turns, released = UserConcurrencyLimit(timeout_s=0.05, threads=2), threading.Event()
        busy = [asyncio.create_task(turns.run(released.wait)) for _ in range(2)]
        try:
            await asyncio.sleep(0)
            with pytest.raises(TransientError, match="busy checking"):
                await turns.run(lambda: None)
        finally:
            released.set()
        assert await asyncio.gather(*busy) == [True, True]
        assert await turns.run(lambda: 7) == 7

    asyncio.run(main())
