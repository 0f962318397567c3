"""What a job may read is settled when it starts, whatever was true when it was submitted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndb_service.access import Access
from syndb_service.domain.jobs import Job, Request
from syndb_service.domain.status import Kind, Status
from syndb_service.errors import DatasetForbidden
from syndb_service.intake import add_folder
from syndb_service.integrity import Integrity
from syndb_service.results.local import LocalResults
from syndb_service.settings import Settings
from syndb_service.store import Database, JobStore, People
from syndb_service.store.upgrade import upgrade
from syndb_service.stored import StoredResults
from syndb_service.tasks import Tasks
from syndb_service.warehouse import Warehouse
from tests.integration.auth.people import SECRET_ID, secret_folder


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('people') / 'jobs.sqlite'}")
    upgrade(database)
    yield People(database)
    database.close()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("warehouse")
    warehouse = Warehouse(folder / "warehouse")
    add_folder(warehouse, secret_folder(folder / "secret"), restrict_to=["user:ada"])
    return warehouse


@pytest.fixture
def tasks(warehouse: Warehouse, people: People, tmp_path: Path) -> Iterator[Tasks]:
    access = Access(warehouse, people)
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    store, results = JobStore(database, lambda _: None), LocalResults(tmp_path / "results")
    stored = StoredResults(store, results, access, Integrity(store, results))
    yield Tasks(Settings(data_dir=tmp_path), warehouse, access, stored)
    database.close()


def job(owner: str, request: Request) -> Job:
    return Job("a job", owner, request, Status.RUNNING, None, 1, datetime.now(UTC))


OF_ALL = Request(Kind.QUERY, query="FROM neurons", tables=("neurons",))
OF_THAT = Request(Kind.QUERY, query="FROM neurons", tables=("neurons",), reach=(SECRET_ID,))
GRAPH = Request(Kind.GRAPH, dataset_id=SECRET_ID, analysis="full", format="json")


@pytest.mark.parametrize("request_", [OF_ALL, OF_THAT, GRAPH], ids=["all", "that one", "graph"])
def test_a_reader_reads_it(tasks: Tasks, request_: Request) -> None:
    assert [dataset.id for dataset in tasks.reads(job("ada", request_)).datasets] == [SECRET_ID]


def test_a_stranger_reads_the_others(tasks: Tasks) -> None:
    assert list(tasks.reads(job("eve", OF_ALL)).datasets) == []


@pytest.mark.parametrize("request_", [OF_THAT, GRAPH], ids=["that one", "graph"])
def test_who_asks_for_what_is_closed_by_now_fails(tasks: Tasks, request_: Request) -> None:
    """Its query would otherwise find nothing there, as if there were nothing."""
    with pytest.raises(DatasetForbidden, match=SECRET_ID):
        tasks.reads(job("eve", request_))


def test_a_member_reads_it_as_long_as_the_group_has_them(
    tasks: Tasks, warehouse: Warehouse, people: People
) -> None:
    warehouse.open_to(SECRET_ID, "restricted", ["user:ada", "group:tracers"])
    people.add("tracers", "dan")
    assert tasks.reads(job("dan", OF_ALL)).datasets
    people.remove("tracers", "dan")
    assert not tasks.reads(job("dan", OF_ALL)).datasets
