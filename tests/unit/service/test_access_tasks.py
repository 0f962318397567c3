"""What a job may read is settled when it starts, whatever was true when it was submitted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndb_service.auth.dataset_access import DatasetAccess
from syndb_service.auth.result_references import ResultReferences
from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import Job, JobRequest
from syndb_service.errors import DatasetForbidden
from syndb_service.ingest import add_folder
from syndb_service.result_integrity import Integrity
from syndb_service.results.local_store import LocalResultStore
from syndb_service.settings import Settings
from syndb_service.store import Database, GroupStore, JobStore
from syndb_service.store.upgrade import upgrade
from syndb_service.warehouse import LocalWarehouse
from syndb_service.worker.task_builder import TaskBuilder
from tests.support.restricted_dataset import SECRET_ID, secret_folder


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GroupStore]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('people') / 'jobs.sqlite'}")
    upgrade(database)
    yield GroupStore(database)
    database.close()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> LocalWarehouse:
    folder = tmp_path_factory.mktemp("warehouse")
    warehouse = LocalWarehouse(folder / "warehouse")
    add_folder(warehouse, secret_folder(folder / "secret"), restrict_to=["user:ada"])
    return warehouse


@pytest.fixture
def tasks(warehouse: LocalWarehouse, people: GroupStore, tmp_path: Path) -> Iterator[TaskBuilder]:
    access = DatasetAccess(warehouse, people)
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    store, results = JobStore(database, lambda _: None), LocalResultStore(tmp_path / "results")
    stored = ResultReferences(store, results, access, Integrity(store, results))
    yield TaskBuilder(Settings(data_dir=tmp_path), warehouse, access, stored)
    database.close()


def job(owner: str, request: JobRequest) -> Job:
    return Job("a job", owner, request, Status.RUNNING, None, 1, datetime.now(UTC))


OF_ALL = JobRequest(Kind.QUERY, query="FROM neurons", tables=("neurons",))
OF_THAT = JobRequest(Kind.QUERY, query="FROM neurons", tables=("neurons",), reach=(SECRET_ID,))
GRAPH = JobRequest(Kind.GRAPH, dataset_id=SECRET_ID, analysis="full", format="json")


@pytest.mark.parametrize("request_", [OF_ALL, OF_THAT, GRAPH], ids=["all", "that one", "graph"])
def test_a_reader_reads_it(tasks: TaskBuilder, request_: JobRequest) -> None:
    assert [dataset.id for dataset in tasks.resolve_inputs(job("ada", request_)).datasets] == [SECRET_ID]


def test_a_stranger_reads_the_others(tasks: TaskBuilder) -> None:
    assert list(tasks.resolve_inputs(job("eve", OF_ALL)).datasets) == []


@pytest.mark.slow
@pytest.mark.parametrize("request_", [OF_THAT, GRAPH], ids=["that one", "graph"])
def test_who_asks_for_what_is_closed_by_now_fails(tasks: TaskBuilder, request_: JobRequest) -> None:
    """Its query would otherwise find nothing there, as if there were nothing."""
    with pytest.raises(DatasetForbidden, match=SECRET_ID):
        tasks.resolve_inputs(job("eve", request_))


def test_a_member_reads_it_as_long_as_the_group_has_them(
    tasks: TaskBuilder, warehouse: LocalWarehouse, people: GroupStore
) -> None:
    warehouse.open_to(SECRET_ID, "restricted", ["user:ada", "group:tracers"])
    people.add("tracers", "dan")
    assert tasks.resolve_inputs(job("dan", OF_ALL)).datasets
    people.remove("tracers", "dan")
    assert not tasks.resolve_inputs(job("dan", OF_ALL)).datasets
