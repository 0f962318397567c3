from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from syndb_service.auth.dataset_access import DatasetAccess
from syndb_service.auth.result_references import ResultReferences
from syndb_service.domain.datasets import TABLES, Dataset, PreparedDataset, TableInfo
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import JobRequest
from syndb_service.errors import BadSetting, Conflict, FatalError, NotFound, TransientError
from syndb_service.result_integrity import Integrity
from syndb_service.results.local_store import LocalResultStore
from syndb_service.s3 import Bucket
from syndb_service.settings import Settings
from syndb_service.storage_url import S3Location
from syndb_service.store import Database, GroupStore, JobStore, Submission
from syndb_service.store.upgrade import upgrade
from syndb_service.warehouse import LocalWarehouse, open_warehouse, s3_warehouse
from syndb_service.warehouse.s3_warehouse import S3Warehouse
from syndb_service.worker.task_builder import TaskBuilder
from tests.support.processes import at_once
from tests.support.servers.seaweed import Seaweed
from tests.support.waiting import wait_until


@pytest.fixture
def bucket(s3: Seaweed, prefix: str) -> Bucket:
    return Bucket(S3Location(s3.bucket, f"{prefix}/"), "warehouse", s3.endpoint)


@pytest.fixture
def warehouse(bucket: Bucket, tmp_path: Path) -> S3Warehouse:
    return S3Warehouse(bucket, tmp_path / "cache", 10**9, fresh_s=0)


def prepare(
    work: Path, number: int = 1, rows: int = 10, name: str | None = None, *, states_id: bool = True
) -> PreparedDataset:
    columns = ", ".join(
        f"CAST({'range' if column.name == 'synapse_id' else 'NULL'} AS {column.type}) AS {column.name}"
        for column in TABLES["synapses"][1:]
    )
    tables = {}
    for table in ("synapses", "axons"):
        picked = columns if table == "synapses" else "range AS axon_id"
        duckdb.sql(f"SELECT {picked} FROM range({rows})").write_parquet(str(work / f"{table}.parquet"))
        tables[table] = TableInfo(rows, 0, (f"{table}.parquet",), ())
    dataset = Dataset(
        id=str(UUID(int=number)),
        name=name or f"dataset_{number}",
        title="A title",
        species="Testudo testudo",
        version="1",
        licence="",
        citation="",
        doi="",
        visibility="public",
        description="",
        tables=tables,
        views={},
        added_at=datetime.now(UTC),
    )
    return PreparedDataset(dataset, work, states_id)


def add(warehouse: S3Warehouse, number: int = 1, *, again: bool = False, **prepared: object) -> Dataset:
    with warehouse.staging() as work:
        return warehouse.add(prepare(work, number, **prepared), replace=again)  # type: ignore[arg-type]


def count(path: str) -> int:
    with duckdb.connect() as con:
        found = con.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchone()
    assert found is not None
    return int(found[0])


def test_a_dataset_is_added_and_read(warehouse: S3Warehouse, s3: Seaweed, prefix: str) -> None:
    assert warehouse.datasets() == []
    dataset = add(warehouse)
    assert warehouse.datasets() == [dataset]
    assert warehouse.get(dataset.id.upper()) == dataset
    [file] = dataset.tables["synapses"].files
    assert file.startswith(f"tables/synapses/dataset_id={dataset.id}/")
    keys = {f"datasets/{dataset.id}.json", file, dataset.tables["axons"].files[0]}
    assert set(s3.keys_in(prefix)) == {f"{prefix}/{key}" for key in keys}
    with warehouse.lease([dataset]) as sources:
        assert set(sources) == set(TABLES)
        assert sources["neurons"] == []
        [path] = sources["synapses"]
        assert path.endswith(file)
        assert os.path.getsize(path) == dataset.tables["synapses"].bytes  # noqa: PTH202
        assert count(path) == 10


def test_its_readers_are_kept_in_its_manifest(warehouse: S3Warehouse, bucket: Bucket, tmp_path: Path) -> None:
    dataset = add(warehouse)
    elsewhere = S3Warehouse(bucket, tmp_path / "other", 10**9, fresh_s=0)
    assert warehouse.open_to(dataset.id, "restricted", ["user:ada"]).readers == ("user:ada",)
    seen = elsewhere.get(dataset.id)
    assert (seen.visibility, seen.readers) == ("restricted", ("user:ada",))
    with warehouse.staging() as work:
        again = replace(prepare(work, rows=3), states_access=False)
        assert warehouse.add(again, replace=True).readers == ("user:ada",)
    assert elsewhere.open_to(dataset.id, "public", []).visibility == "public"
    assert warehouse.get(dataset.id).visibility == "public"


def test_only_what_is_read_is_brought(warehouse: S3Warehouse, tmp_path: Path) -> None:
    dataset = add(warehouse)
    with warehouse.lease([dataset], ["axons"]) as sources:
        assert sources["synapses"] == []
        assert [count(path) for path in sources["axons"]] == [10]
    assert not list((tmp_path / "cache" / "files" / "tables").glob("synapses"))
    with warehouse.lease([], None) as sources:
        assert not any(sources.values())


def test_a_file_comes_once(
    warehouse: S3Warehouse, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = add(warehouse)
    other = S3Warehouse(bucket, tmp_path / "cache", 10**9)
    with warehouse.lease([dataset]):
        pass
    asked: list[str] = []
    monkeypatch.setattr(bucket, "open", asked.append)
    with other.lease([dataset]) as sources:
        assert count(sources["synapses"][0]) == 10
    assert asked == []


def test_a_table_of_several_files(warehouse: S3Warehouse) -> None:
    with warehouse.staging() as work:
        prepared = prepare(work)
        for number in (1, 2):
            duckdb.sql(f"SELECT {number} AS axon_id").write_parquet(str(work / f"{number}.parquet"))
        info = TableInfo(2, 0, ("1.parquet", "2.parquet"), ())
        tables = {"axons": info}
        dataset = warehouse.add(replace(prepared, dataset=replace(prepared.dataset, tables=tables)))
    with warehouse.lease([dataset]) as sources:
        assert [count(path) for path in sources["axons"]] == [1, 1]


def test_another_process_sees_what_is_added_and_removed_within_a_moment(
    warehouse: S3Warehouse, bucket: Bucket, tmp_path: Path
) -> None:
    other = S3Warehouse(bucket, tmp_path / "other", 10**9)
    assert other.datasets() == []
    dataset = add(warehouse)
    wait_until(lambda: other.datasets() == [dataset], 2 * s3_warehouse.FRESH_S)
    warehouse.remove(dataset.id)
    wait_until(lambda: other.datasets() == [], 2 * s3_warehouse.FRESH_S)


def test_the_store_is_not_asked_for_every_job(
    warehouse: S3Warehouse, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(warehouse)
    calm = S3Warehouse(bucket, tmp_path / "other", 10**9, fresh_s=3600)
    listed = calm.datasets()
    monkeypatch.delattr(bucket, "client")
    assert [calm.datasets() for _ in range(3)] == [listed] * 3


def test_only_changed_manifests_are_read(warehouse: S3Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    add(warehouse, 1)
    add(warehouse, 2)
    warehouse.datasets()
    loaded: list[str] = []
    monkeypatch.setattr(json, "loads", loaded.append)
    assert len(warehouse.datasets()) == 2
    assert loaded == []


@pytest.mark.parametrize(("number", "name"), [(1, "another"), (2, "dataset_1")])
def test_a_taken_id_or_name_is_refused(
    warehouse: S3Warehouse, s3: Seaweed, prefix: str, number: int, name: str
) -> None:
    add(warehouse)
    before = s3.keys_in(prefix)
    with pytest.raises(Conflict) as caught:
        add(warehouse, number, name=name)
    assert caught.value.error_code == "dataset_exists"
    assert s3.keys_in(prefix) == before


def test_replacing_swaps_the_files(warehouse: S3Warehouse, s3: Seaweed, prefix: str) -> None:
    add(warehouse)
    new = add(warehouse, 1, again=True, rows=20)
    assert warehouse.datasets() == [new]
    kept = {file for info in new.tables.values() for file in info.files} | {f"datasets/{new.id}.json"}
    assert set(s3.keys_in(prefix)) == {f"{prefix}/{key}" for key in kept}
    same = add(warehouse, 9, again=True, rows=20, name="dataset_1", states_id=False)
    assert same.id == new.id
    assert set(s3.keys_in(prefix)) == {f"{prefix}/{key}" for key in kept}


def test_removing_leaves_nothing(warehouse: S3Warehouse, s3: Seaweed, prefix: str) -> None:
    removed, kept = add(warehouse, 1), add(warehouse, 2)
    assert warehouse.remove(removed.id) == removed
    assert warehouse.datasets() == [kept]
    assert not any(removed.id in key for key in s3.keys_in(prefix))
    with pytest.raises(NotFound):
        warehouse.remove(removed.id)


def test_a_job_reads_on_when_its_dataset_is_removed(warehouse: S3Warehouse) -> None:
    dataset = add(warehouse)
    with warehouse.lease([dataset]) as sources:
        warehouse.remove(dataset.id)
        assert count(sources["synapses"][0]) == 10


def test_a_dataset_that_has_just_gone(warehouse: S3Warehouse) -> None:
    dataset = add(warehouse)
    warehouse.remove(dataset.id)
    with (
        pytest.raises(TransientError, match="removed or replaced at this moment"),
        warehouse.lease([dataset]),
    ):
        pass


def test_a_local_job_reads_on_when_its_dataset_is_removed_or_replaced(tmp_path: Path) -> None:
    warehouse = LocalWarehouse(tmp_path / "warehouse")
    with warehouse.staging() as work:
        dataset = warehouse.add(prepare(work))
    with warehouse.lease([dataset], ["synapses"]) as first, warehouse.lease([dataset]) as second:
        assert first["axons"] == []
        with warehouse.staging() as work:
            new = warehouse.add(prepare(work, rows=20), replace=True)
        with warehouse.lease([new]) as third:
            warehouse.remove(dataset.id)
            found = [count(sources["synapses"][0]) for sources in (first, second, third)]
            assert found == [10, 10, 20]
            assert f"/tables/synapses/dataset_id={dataset.id}/" in first["synapses"][0]
    with pytest.raises(TransientError, match="at this moment"), warehouse.lease([dataset]):
        pass
    assert not list((tmp_path / "warehouse").rglob("*.parquet"))


def test_a_local_warehouse_without_hard_links_names_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = LocalWarehouse(tmp_path / "warehouse")
    with warehouse.staging() as work:
        dataset = warehouse.add(prepare(work))

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with warehouse.lease([dataset]) as sources:
        assert sources == warehouse.sources([dataset])
    assert "can't be linked" in caplog.text


def _add(place: str) -> str:
    url, endpoint, cache, name = place.split(" ")
    warehouse = open_warehouse(url, Path(cache), 10**9, endpoint)
    assert isinstance(warehouse, S3Warehouse)
    number = os.getpid() if name == "the_same_name" else 1
    try:
        return add(warehouse, number, name=name).name
    except Conflict as conflict:
        return conflict.error_code


def test_of_processes_that_add_the_same_one_wins(
    warehouse: S3Warehouse, s3: Seaweed, prefix: str, tmp_path: Path
) -> None:
    place = f"s3://{s3.bucket}/{prefix} {s3.endpoint} {tmp_path} the_same_id"
    outcomes = at_once(_add, place, 4)
    assert sorted(outcomes) == ["dataset_exists"] * 3 + ["the_same_id"]
    [dataset] = warehouse.datasets()
    with warehouse.lease([dataset]) as sources:
        assert count(sources["synapses"][0]) == 10


def test_of_processes_that_take_the_same_name_at_most_one_wins(
    warehouse: S3Warehouse, s3: Seaweed, prefix: str, tmp_path: Path
) -> None:
    place = f"s3://{s3.bucket}/{prefix} {s3.endpoint} {tmp_path} the_same_name"
    outcomes = at_once(_add, place, 4)
    assert outcomes.count("the_same_name") == len(warehouse.datasets()) <= 1
    assert outcomes.count("dataset_exists") == 4 - len(warehouse.datasets())


def test_a_name_that_is_taken_at_the_same_moment(
    warehouse: S3Warehouse, bucket: Bucket, tmp_path: Path, s3: Seaweed, prefix: str
) -> None:
    add(warehouse, 3)
    other = S3Warehouse(bucket, tmp_path / "other", 10**9, fresh_s=0)
    upload = warehouse._upload

    def slowly(prepared: PreparedDataset, table: str, dataset_id: str) -> TableInfo:
        if table == "axons":
            add(other, 2, name="wanted")
        return upload(prepared, table, dataset_id)

    for again, number in ((False, 1), (True, 3)):
        warehouse._upload = slowly  # type: ignore[method-assign]
        before = warehouse.datasets()
        with pytest.raises(Conflict, match="at the same time"):
            add(warehouse, number, name="wanted", again=again, rows=30)
        names = sorted(dataset.name for dataset in warehouse.datasets())
        assert names == sorted({dataset.name for dataset in before} | {"wanted"})
        warehouse._upload = upload  # type: ignore[method-assign]
        warehouse.remove(str(UUID(int=2)))
    [kept] = warehouse.datasets()
    assert kept.tables["synapses"].rows == 10
    with warehouse.lease([kept]) as sources:
        assert count(sources["synapses"][0]) == 10
    assert len(s3.keys_in(prefix)) == 3


def test_a_store_that_fails_while_a_dataset_is_added(
    warehouse: S3Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, s3: Seaweed, prefix: str
) -> None:
    kept = add(warehouse, 2)
    upload = bucket.upload

    def half(path: Path, key: str) -> None:
        if "axons" in key:
            raise TransientError("the warehouse does not answer")
        upload(path, key)

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "upload", half)
        with pytest.raises(TransientError):
            add(warehouse, 1)
    assert warehouse.datasets() == [kept]
    assert any(str(UUID(int=1)) in key for key in s3.keys_in(prefix))
    monkeypatch.setattr(s3_warehouse, "ORPHAN_AGE", timedelta(seconds=-60))
    add(warehouse, 3)
    assert not any(str(UUID(int=1)) in key for key in s3.keys_in(prefix))
    assert len(warehouse.datasets()) == 2


def test_a_manifest_that_can_not_be_read_hides_its_dataset_and_keeps_its_files(
    warehouse: S3Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_warehouse, "ORPHAN_AGE", timedelta(seconds=-60))
    broken = add(warehouse, 1)
    bucket.put(f"datasets/{broken.id}.json", b"{")
    kept = add(warehouse, 2)
    assert warehouse.datasets() == [kept]
    assert bucket.size(broken.tables["synapses"].files[0])


@pytest.mark.parametrize(
    "file", ["../../etc/passwd", "/etc/passwd", "tables/synapses/dataset_id=x/a.parquet"]
)
def test_a_manifest_that_names_other_files_is_left_out(
    warehouse: S3Warehouse, bucket: Bucket, file: str
) -> None:
    dataset = add(warehouse)
    info = replace(dataset.tables["synapses"], files=(file,))
    forged = replace(dataset, tables={"synapses": info}).to_dict()
    bucket.put(f"datasets/{dataset.id}.json", json.dumps(forged).encode())
    assert warehouse.datasets() == []


def test_a_file_that_was_changed_in_the_store(warehouse: S3Warehouse, bucket: Bucket) -> None:
    dataset = add(warehouse)
    info = dataset.tables["synapses"]
    bucket.put(info.files[0], b"x" * info.bytes)
    with pytest.raises(FatalError, match="is damaged"), warehouse.lease([dataset]):
        pass


def test_a_cache_that_is_smaller_than_a_job(warehouse: S3Warehouse, bucket: Bucket, tmp_path: Path) -> None:
    dataset = add(warehouse)
    small = S3Warehouse(bucket, tmp_path / "small", 100)
    with pytest.raises(FatalError, match="cache holds 100"), small.lease([dataset]):
        pass


def test_the_store_is_killed(warehouse: S3Warehouse, bucket: Bucket, s3: Seaweed, tmp_path: Path) -> None:
    dataset = add(warehouse)
    other = S3Warehouse(bucket, tmp_path / "other", 10**9)
    with warehouse.lease([dataset]) as sources:
        s3.kill()
        try:
            assert count(sources["synapses"][0]) == 10
            with warehouse.lease([dataset]) as again:
                assert count(again["synapses"][0]) == 10
            for ask in (warehouse.datasets, warehouse.ready, other.check):
                with pytest.raises(TransientError, match="the warehouse does not answer"):
                    ask()
            with pytest.raises(TransientError), other.lease([dataset]):
                pass
        finally:
            s3.start()
    assert warehouse.datasets() == [dataset]
    with other.lease([dataset]) as sources:
        assert count(sources["synapses"][0]) == 10


def test_readers_need_no_right_to_write(
    warehouse: S3Warehouse, s3: Seaweed, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = add(warehouse)
    for name, value in s3.reader.environment().items():
        monkeypatch.setenv(name, value)
    reader = open_warehouse(str(bucket.location), tmp_path / "reader", 10**9, s3.endpoint)
    reader.check()
    reader.ready()
    with reader.lease(reader.datasets()) as sources:
        assert count(sources["synapses"][0]) == 10
    with pytest.raises(BadSetting, match="403"):
        reader.writable()
    with pytest.raises(BadSetting, match="403"), reader.staging():
        pass
    assert dataset in reader.datasets()


def test_jobs_at_a_time_share_the_cache(warehouse: S3Warehouse) -> None:
    datasets = [add(warehouse, number, rows=number) for number in range(1, 5)]
    found: list[int] = []

    def job(dataset: Dataset) -> None:
        with warehouse.lease([dataset]) as sources:
            found.append(count(sources["synapses"][0]))

    threads = [threading.Thread(target=job, args=(dataset,)) for dataset in datasets * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([1, 2, 3, 4] * 3)


@pytest.mark.parametrize("url", ["ftp://host/x", "relative", "s3://B_/x"])
def test_a_url_that_makes_no_sense(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSetting, match="SYNDB_WAREHOUSE_URL"):
        open_warehouse(url, tmp_path, 10**9)


def test_a_folder_by_its_url(tmp_path: Path) -> None:
    warehouse = open_warehouse(f"file://{tmp_path}/new", tmp_path / "cache", 10**9)
    warehouse.check()
    warehouse.ready()
    assert isinstance(warehouse, LocalWarehouse)
    assert warehouse.datasets() == []


def test_a_job_brings_the_datasets_that_its_query_can_reach(warehouse: S3Warehouse, tmp_path: Path) -> None:
    first, second = add(warehouse, 1), add(warehouse, 2)
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    store = JobStore(database, lambda _: None)
    access = DatasetAccess(warehouse, GroupStore(database))
    results = LocalResultStore(tmp_path / "results")
    stored = ResultReferences(store, results, access, Integrity(store, results))
    tasks = TaskBuilder(Settings(data_dir=tmp_path), warehouse, access, stored)

    def brought(reach: tuple[str, ...] | None) -> list[str]:
        request = JobRequest(Kind.QUERY, query="FROM synapses", tables=("synapses",), reach=reach)
        job, _ = store.insert(Submission("ada", request))
        with tasks.build(job, tasks.resolve_inputs(job), tmp_path, lambda *_: None) as prepared:
            assert set(prepared.datasets) == {dataset.id for dataset in prepared.task.datasets}
            return [path.name for path in (tmp_path / "cache" / "files" / "tables" / "synapses").iterdir()]

    assert brought((first.id,)) == [f"dataset_id={first.id}"]
    assert brought(()) == [f"dataset_id={first.id}"], "what names no dataset of here brings nothing"
    assert sorted(brought(None)) == sorted(f"dataset_id={each.id}" for each in (first, second))
    database.close()
