"""What lives as long as its process: no error ends it, and readiness tells what can't do its work."""

from __future__ import annotations

import ast
import threading
from pathlib import Path
from typing import NoReturn, cast

import pytest

import syndb_service
from syndb_service.container import JobChangeNotifier, build_container
from syndb_service.domain.access import Principal
from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import JobRequest
from syndb_service.errors import TransientError
from syndb_service.runtime import background
from syndb_service.runtime.background import BackgroundThread, EndOfRounds
from syndb_service.server.embedded_worker import EmbeddedWorker
from syndb_service.settings import load_settings
from syndb_service.store import Database, Submission, change_listener
from tests.support.waiting import wait_until

PACKAGE = Path(syndb_service.__file__).parent
SHORT_LIVED = {
    "worker/lease_keeper.py": "does one call of a store",
    "runtime/background.py": "the one that all others are made of",
    "broker/consumer.py": "the end of Dramatiq's threads, waited for",
    "isolation/channel.py": "sends one job's rows, and tells the writer of every error",
    "isolation/fork_server_client.py": "forks one child ahead",
    "ingest/load_progress.py": "shows the progress of a command",
}


@pytest.mark.slow
def test_every_thread_that_must_live_is_registered() -> None:
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("threading.Thread", "Thread"):
                found.add(file.relative_to(PACKAGE).as_posix())
    assert found == set(SHORT_LIVED)


@pytest.mark.parametrize("error", [RuntimeError("unforeseen"), TransientError("away"), SystemExit(1)])
def test_no_error_ends_a_thread(error: BaseException) -> None:
    rounds: list[int] = []

    def step() -> None:
        rounds.append(len(rounds))
        if len(rounds) < 3:
            raise error
        thread.wait(0.01)

    thread = BackgroundThread("tested", step)
    thread.start()
    assert thread in background.list_loops()
    wait_until(lambda: thread.done > 2)
    assert thread.alive
    background.check()
    thread.stop()
    assert not thread.alive
    assert thread not in background.list_loops()


@pytest.mark.slow
def test_readiness_tells_of_a_thread_that_keeps_failing_until_it_works_again() -> None:
    broken = threading.Event()
    broken.set()

    def step() -> None:
        if broken.is_set():
            raise ZeroDivisionError
        thread.wait(0.01)

    thread = BackgroundThread("tested", step)
    thread.start()
    wait_until(lambda: thread.trouble)
    with pytest.raises(TransientError, match=r"tested failed 3 times in a row \(ZeroDivisionError\)"):
        background.check()
    broken.clear()
    wait_until(lambda: thread.done)
    background.check()
    thread.stop()


def test_an_outage_is_not_the_threads_trouble() -> None:
    failures: list[int] = []

    def step() -> None:
        failures.append(1)
        if len(failures) > 3:
            raise EndOfRounds
        raise TransientError("the database is away")

    thread = BackgroundThread("tested", step)
    thread.start()
    wait_until(lambda: len(failures) > 2)
    background.check()
    wait_until(lambda: not thread.alive)
    assert thread not in background.list_loops()


def test_a_listener_that_fails_does_not_undo_a_change_that_is_committed() -> None:
    told: list[str] = []

    def broken(_: str) -> None:
        raise RuntimeError("Event loop is closed")

    JobChangeNotifier([broken, told.append]).notify("6e1f")
    assert told == ["6e1f"]


@pytest.mark.slow
def test_an_embedded_service_outlives_the_end_of_its_hint_takers(tmp_path: Path) -> None:
    service = build_container(load_settings(tmp_path))
    worker = EmbeddedWorker(service)
    try:
        worker.start()
        assert {each.name for each in background.list_loops()} == {
            "job consumers",
            "sweeper",
            "scrubber",
            "heartbeat",
            "child log",
            "worker reporter",
        }
        first = worker._worker
        first.workers[0].stop()
        wait_until(lambda: worker._worker is not first)
        job, _ = service.store.insert(Submission("ada", JobRequest(Kind.QUERY, query="SELECT 1")))
        service.dispatcher.dispatch(job.job_id)
        wait_until(lambda: service.store.get(job.job_id).status is Status.COMPLETED)
    finally:
        worker.stop()
        service.close()
    wait_until(lambda: not background.list_loops())


def test_while_nobody_listens_no_change_counts_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Event()

    class Away:
        shared = True

        def apart(self) -> NoReturn:
            tried.set()
            raise TransientError("the job database is unavailable")

    monkeypatch.setattr(change_listener, "RETRY_S", 3600.0)
    listening = change_listener.ChangeListener(cast("Database", Away()), lambda _: None)
    listening._answered = True  # as until a moment ago, before the connection broke
    listening.start()
    try:
        tried.wait()
        wait_until(lambda: not listening.is_listening)
    finally:
        listening.close()


@pytest.mark.slow
def test_a_job_is_accepted_though_nobody_can_be_told_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> NoReturn:
        raise TransientError("the job database is unavailable")

    service = build_container(load_settings(tmp_path))
    try:
        monkeypatch.setattr(service.dispatcher, "dispatch", lambda _: False)
        monkeypatch.setattr(service.store.attempts, "record_broker_outage", away)
        ada = Principal("ada", academic=True)
        job, is_new = service.jobs.submit(ada, JobRequest(Kind.QUERY, query="SELECT 1"))
        assert is_new
        assert service.jobs.get(ada, job.job_id).status is Status.PENDING
    finally:
        service.close()
