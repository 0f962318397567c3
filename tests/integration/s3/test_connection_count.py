"""Connections counted before a graph is a job: by a real child, from a folder's files and from S3's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_service.domain.datasets import Dataset
from syndb_service.domain.graph.selection import Selection
from syndb_service.ingest.bundled import install_bundled
from syndb_service.isolation.fork_server_client import ChildProcess, ForkServerClient
from syndb_service.jobs import connection_counter as counters
from syndb_service.jobs.connection_counter import ConnectionCounter
from syndb_service.s3 import Bucket
from syndb_service.settings import Settings
from syndb_service.storage_url import S3Location
from syndb_service.warehouse import DatasetStore, LocalWarehouse
from syndb_service.warehouse.s3_warehouse import S3Warehouse
from tests.support.servers.seaweed import Seaweed

SENSORY = Selection(pre_class=("sensory",))


class CountingForkServer(ForkServerClient):
    """A fork server client that counts the children it started."""

    started = 0

    def start_child(self) -> ChildProcess:
        self.started += 1
        return super().start_child()


@pytest.fixture
def fork_server() -> Iterator[CountingForkServer]:
    fork_server = CountingForkServer()
    yield fork_server
    fork_server.close()


@pytest.fixture(params=["folder", "s3"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> DatasetStore:
    found: DatasetStore = LocalWarehouse(tmp_path / "warehouse")
    if request.param == "s3":
        s3: Seaweed = request.getfixturevalue("s3")
        place = S3Location(s3.bucket, f"{request.getfixturevalue('prefix')}/")
        found = S3Warehouse(Bucket(place, "warehouse", s3.endpoint), tmp_path / "cache", 10**9, fresh_s=0)
    install_bundled(found)
    return found


@pytest.fixture
def counter(tmp_path: Path, fork_server: ForkServerClient, warehouse: DatasetStore) -> ConnectionCounter:
    return ConnectionCounter(Settings(data_dir=tmp_path), fork_server, warehouse)


@pytest.fixture
def worm(warehouse: DatasetStore) -> Dataset:
    return next(each for each in warehouse.datasets() if each.name == "celegans_varshney_2011")


def test_without_filters_it_is_what_was_counted_when_it_was_added(
    counter: ConnectionCounter, worm: Dataset
) -> None:
    for include in ("chemical", "gap_junctions", "both"):
        assert counter.count(worm, Selection(include=include)) == worm.connection_sizes[include]


def test_filters_leave_fewer_and_a_higher_minimum_is_known(
    counter: ConnectionCounter, worm: Dataset, fork_server: CountingForkServer
) -> None:
    every, sensory = counter.count(worm, Selection()), counter.count(worm, SENSORY)
    assert every is not None
    assert sensory is not None
    assert 0 < sum(n for _, n in sensory) < sum(n for _, n in every)
    started = fork_server.started
    assert counter.count(worm, Selection(min_synapses=4, pre_class=("sensory",))) == sensory
    assert fork_server.started == started


def test_others_who_count_are_not_waited_for_long(
    counter: ConnectionCounter,
    worm: Dataset,
    fork_server: CountingForkServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counters, "LOCK_TIMEOUT_S", 0.01)
    inside, done = threading.Event(), threading.Event()

    class Busy(ForkServerClient):
        def start_child(self) -> ChildProcess:
            inside.set()
            done.wait()
            return fork_server.start_child()

    monkeypatch.setattr(counter, "_fork_server", Busy())
    found = []
    thread = threading.Thread(target=lambda: found.append(counter.count(worm, SENSORY)))
    thread.start()
    inside.wait()
    assert counter.count(worm, SENSORY) is None
    done.set()
    thread.join()
    assert found == [counter.count(worm, SENSORY)] != [None]


def test_a_count_that_takes_too_long_is_left_to_the_job(
    counter: ConnectionCounter,
    worm: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(counters, "COUNT_S", 0.0)
        assert counter.count(worm, SENSORY) is None
    assert "are not counted" in caplog.text
    assert counter.count(worm, SENSORY)


def test_a_child_that_needs_too_much_memory_is_left_to_the_job(
    tmp_path: Path, fork_server: ForkServerClient, warehouse: DatasetStore, worm: Dataset
) -> None:
    settings = Settings(data_dir=tmp_path).model_copy(update={"job_memory_bytes": 1})
    assert ConnectionCounter(settings, fork_server, warehouse).count(worm, SENSORY) is None
