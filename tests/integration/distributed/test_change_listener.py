"""Changes that another process commits, heard from a real PostgreSQL at once."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_service.domain.job_status import Status
from syndb_service.store import ChangeListener, Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade
from tests.support.servers.postgres import Postgres
from tests.support.store_model import REQUEST
from tests.support.waiting import WAIT_S, wait_until


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    name = f"notices_{os.urandom(4).hex()}"
    url = postgres.make_database(name)
    database = Database(url)
    upgrade(database)
    database.close()
    yield url
    postgres.drop_database(name)


@pytest.fixture
def told() -> queue.Queue[str]:
    return queue.Queue()


@pytest.fixture
def notices(url: str, told: queue.Queue[str]) -> Iterator[ChangeListener]:
    listening = Database(url)
    notices = ChangeListener(listening, told.put)
    notices.start()
    wait_until(lambda: notices.is_listening)
    yield notices
    notices.close()
    listening.close()


@pytest.fixture
def store(url: str) -> Iterator[JobStore]:
    database = Database(url)
    yield JobStore(database, lambda _: None)
    database.close()


def submitted(store: JobStore) -> str:
    job, _ = store.insert(Submission("ada", REQUEST), 100)
    return job.job_id


def test_each_change_of_a_row_is_heard_as_it_is_committed(
    notices: ChangeListener, store: JobStore, told: queue.Queue[str]
) -> None:
    first, second = submitted(store), submitted(store)
    assert store.request_cancel(first, "ada").status is Status.CANCELLED
    assert told.get(timeout=WAIT_S) == first
    assert store.request_cancel(second, "ada").status is Status.CANCELLED
    assert told.get(timeout=WAIT_S) == second
    assert told.empty()


def test_what_is_rolled_back_is_never_heard(
    notices: ChangeListener, url: str, store: JobStore, told: queue.Queue[str]
) -> None:
    job_id, other = submitted(store), submitted(store)
    database = Database(url)
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"UPDATE jobs SET version = version + 1 WHERE job_id = '{job_id}'")
        connection.rollback()
    database.close()
    store.request_cancel(other, "ada")
    assert told.get(timeout=WAIT_S) == other


def test_a_cut_connection_is_made_again(
    notices: ChangeListener, postgres: Postgres, store: JobStore, told: queue.Queue[str]
) -> None:
    job_id = submitted(store)
    postgres.cut_connections()
    wait_until(lambda: not notices.is_listening)
    wait_until(lambda: notices.is_listening)
    store.request_cancel(job_id, "ada")
    assert told.get(timeout=WAIT_S) == job_id


def test_notices_that_get_lost_are_not_relied_on(
    url: str, told: queue.Queue[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As behind a pooler that gives the listening connection to others: what is sent arrives nowhere."""
    monkeypatch.setattr("syndb_service.store.change_listener.PROBE_EVERY_S", 0.1)
    monkeypatch.setattr("syndb_service.store.change_listener.PROBE_S", 0.05)
    monkeypatch.setattr("syndb_service.store.change_listener.STEP_S", 0.02)
    database = Database(url)
    notices = ChangeListener(database, told.put)
    notices.start()
    wait_until(lambda: notices.is_listening)
    monkeypatch.setattr("syndb_service.store.change_listener.CHANNEL", "elsewhere")
    wait_until(lambda: not notices.is_listening)
    monkeypatch.setattr("syndb_service.store.change_listener.CHANNEL", "syndb_jobs")
    wait_until(lambda: notices.is_listening)
    notices.close()
    database.close()
    assert "notifications of changes don't arrive" in caplog.text


def test_sqlite_has_none(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    notices = ChangeListener(database, print)
    notices.start()
    assert not notices.is_listening
    notices.close()
    database.close()
