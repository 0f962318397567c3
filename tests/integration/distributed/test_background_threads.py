"""Every thread that must live, in a process with all of them: an error that nobody foresaw ends none."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syndb_service.api.app import create_app
from syndb_service.container import Container, build_container
from syndb_service.domain.job_status import Status
from syndb_service.domain.jobs import Job
from syndb_service.isolation.channel import FrameType
from syndb_service.runtime import background
from syndb_service.runtime.background import BackgroundThread, Rounds
from syndb_service.server.worker_process import DistributedWorker
from syndb_service.settings import load_settings
from tests.support.servers.postgres import Postgres
from tests.support.servers.redis import Redis
from tests.support.store_model import REQUEST
from tests.support.waiting import wait_until

LASTING = {
    "sweeper",
    "scrubber",
    "cancel poller",
    "heartbeat",
    "change listener",
    "job dispatcher",
    "child log",
    "version poller",
    "worker reporter",
    "worker monitor",
}


class Broken(Exception):
    """What nobody foresaw."""


@pytest.fixture
def service(
    postgres: Postgres, redis_server: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Container]:
    monkeypatch.setenv("SYNDB_DATABASE_URL", postgres.make_database("background"))
    monkeypatch.setenv("SYNDB_BROKER_URL", redis_server.url)
    monkeypatch.setenv("SYNDB_SWEEP_S", "0.1")
    service = build_container(load_settings(tmp_path))
    yield service
    service.close()
    postgres.drop_database("background")


def fail_once(rounds: Rounds, monkeypatch: pytest.MonkeyPatch, service: Container) -> threading.Event:
    """Let the next round of a loop fail; the event is set when it has."""
    struck = threading.Event()
    target, name = (rounds, "step") if isinstance(rounds, BackgroundThread) else (service.store, "versions")
    work = getattr(target, name)

    def broken(*arguments: object) -> object:
        if struck.is_set():
            return work(*arguments)
        struck.set()
        raise Broken

    monkeypatch.setattr(target, name, broken)
    return struck


def log_in_a_child(service: Container) -> None:
    with service.fork_server.start_child() as child:
        child.frames.send(FrameType.TASK, {"kind": "nonsense"})
        child.wait(120)


def test_an_unforeseen_error_ends_no_thread(
    service: Container, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    kicks: dict[str, Callable[[], object]] = {
        "job dispatcher": lambda: service.dispatcher.dispatch("6e1f"),
        "child log": lambda: log_in_a_child(service),
        "change listener": postgres.cut_connections,
    }
    app = create_app(service)
    app.state.job_change_hub._versions = lambda ids: service.store.versions(ids)
    worker = DistributedWorker(service)

    async def main() -> None:
        async with app.router.lifespan_context(app):
            waiting = asyncio.create_task(somebody_waits())
            try:
                await asyncio.to_thread(break_each)
            finally:
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await waiting
                app.state.job_change_hub.close()

    async def somebody_waits() -> None:
        endless = Job("6e1f", "ada", REQUEST, Status.RUNNING, None, 1, service.database.now())
        await app.state.job_change_hub.wait_for_change(lambda: endless, 1, 600)

    def break_each() -> None:
        service.dispatcher.dispatch("6e1f")
        lasting = {each.name: each for each in background.list_loops()}
        assert set(lasting) == LASTING
        for name, rounds in lasting.items():
            kick = kicks.get(name, lambda: None)
            struck = fail_once(rounds, monkeypatch, service)
            wait_until(struck.is_set, meanwhile=kick)
            done = rounds.done
            if name == "change listener":
                wait_until(lambda: app.state.change_listener.is_listening)
            else:
                wait_until(lambda rounds=rounds, done=done: rounds.done > done, meanwhile=kick)
            assert rounds.trouble is None
        background.check()

    worker.start()
    try:
        asyncio.run(main())
    finally:
        worker.stop()
