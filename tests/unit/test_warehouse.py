from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from syndb_service.domain.datasets import TABLES, VIEWS, Dataset, PreparedDataset, TableInfo, view_sql
from syndb_service.errors import BadSetting, Conflict, NotFound
from syndb_service.warehouse import LocalWarehouse
from tests.support.processes import at_once

Prepare = Callable[..., PreparedDataset]


def prepare(
    work: Path, number: int = 1, rows: int = 10, name: str | None = None, *, states_id: bool = True
) -> PreparedDataset:
    values = {"pre_neuron_id": "range % 3", "post_neuron_id": str(number), "synapse_id": "range"}
    tables = {}
    for table in ("synapses", "axons"):
        picked = ", ".join(
            f"CAST({values.get(column.name, 'NULL')} AS {column.type}) AS {column.name}"
            for column in TABLES[table][1:]
        )
        duckdb.sql(f"SELECT {picked} FROM range({rows})").write_parquet(str(work / f"{table}.parquet"))
        tables[table] = TableInfo(rows, 0, (f"{table}.parquet",), ("synapse_id",))
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
        views={"connections": 3},
        added_at=datetime.now(UTC),
    )
    return PreparedDataset(dataset, work, states_id)


@pytest.fixture
def warehouse(tmp_path: Path) -> LocalWarehouse:
    return LocalWarehouse(tmp_path / "warehouse")


def fill(warehouse: LocalWarehouse, *numbers: int, rows: int = 10) -> list[Dataset]:
    added = []
    for number in numbers:
        with warehouse.staging() as work:
            added.append(warehouse.add(prepare(work, number, rows)))
    return added


def files(root: Path) -> set[str]:
    return {
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def open_views(con: duckdb.DuckDBPyConnection, warehouse: LocalWarehouse) -> None:
    for table, paths in warehouse.sources(warehouse.datasets()).items():
        con.execute(f"CREATE VIEW {table} AS {view_sql(table, paths)}")
    for name, view in VIEWS.items():
        con.execute(f"CREATE VIEW {name} AS {view.sql}")


def test_an_empty_warehouse_lists_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    assert LocalWarehouse(tmp_path / "new").datasets() == []
    assert not (tmp_path / "new").exists()


def test_datasets_are_listed_by_name(warehouse: LocalWarehouse) -> None:
    fill(warehouse, 2, 1)
    assert [dataset.name for dataset in warehouse.datasets()] == ["dataset_1", "dataset_2"]


def test_files_lie_in_partitions_under_their_digest(warehouse: LocalWarehouse, tmp_path: Path) -> None:
    [dataset] = fill(warehouse, 1)
    [file] = dataset.tables["synapses"].files
    assert file.startswith(f"tables/synapses/dataset_id={dataset.id}/")
    assert len(Path(file).stem) == 32
    assert dataset.tables["synapses"].bytes == (tmp_path / "warehouse" / file).stat().st_size
    assert (
        json.loads((tmp_path / "warehouse" / "datasets" / f"{dataset.id}.json").read_text())["name"]
        == "dataset_1"
    )


def scanned(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    return "".join(str(row[1]) for row in con.execute(f"EXPLAIN ANALYZE {sql}").fetchall())


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(post_neuron_id) FROM synapses WHERE dataset_id = '{id}'",
        "SELECT * FROM connections WHERE dataset_id = '{id}'",
        "SELECT * FROM connections WHERE dataset_id IN ('{id}') AND pre_neuron_id = 1",
        "SELECT max(synapse_count) FROM connections JOIN axons USING (dataset_id) WHERE dataset_id = '{id}'",
    ],
)
def test_a_query_of_one_dataset_reads_its_files_alone(
    warehouse: LocalWarehouse, engine: duckdb.DuckDBPyConnection, query: str
) -> None:
    wanted, *others = fill(warehouse, 1, 2, 3)
    open_views(engine, warehouse)
    plan = scanned(engine, query.format(id=wanted.id))
    assert "Total Files Read: 1" in plan
    assert f"dataset_id={wanted.id}" in plan
    assert not any(f"dataset_id={other.id}" in plan for other in others)


def test_connections_count_synapses_and_ids_are_text(
    warehouse: LocalWarehouse, engine: duckdb.DuckDBPyConnection
) -> None:
    fill(warehouse, 7)
    open_views(engine, warehouse)
    found = engine.execute("SELECT * FROM connections ORDER BY pre_neuron_id").fetchall()
    assert found == [(str(UUID(int=7)), 0, 7, 4), (str(UUID(int=7)), 1, 7, 3), (str(UUID(int=7)), 2, 7, 3)]


def test_an_unknown_dataset_comes_with_the_nearest(warehouse: LocalWarehouse) -> None:
    fill(warehouse, 1)
    with pytest.raises(NotFound) as caught:
        warehouse.get("dataset_1")
    assert caught.value.error_code == "unknown_dataset"
    assert caught.value.message == "There is no dataset 'dataset_1'."
    assert caught.value.hint == f"Did you mean dataset_1 ({UUID(int=1)})?"


def test_a_restricted_dataset_is_no_hint(warehouse: LocalWarehouse) -> None:
    with warehouse.staging() as work:
        prepared = prepare(work)
        warehouse.add(replace(prepared, dataset=replace(prepared.dataset, visibility="restricted")))
    with pytest.raises(NotFound) as caught:
        warehouse.get("dataset_1")
    assert caught.value.hint == "There are no datasets that you may query yet."


@pytest.mark.parametrize(("number", "name"), [(1, "another"), (2, "dataset_1")])
def test_a_taken_id_or_name_is_refused(
    warehouse: LocalWarehouse, tmp_path: Path, number: int, name: str
) -> None:
    fill(warehouse, 1)
    before = files(tmp_path / "warehouse")
    with warehouse.staging() as work, pytest.raises(Conflict) as caught:
        warehouse.add(prepare(work, number, name=name))
    assert caught.value.error_code == "dataset_exists"
    assert files(tmp_path / "warehouse") == before


def test_replacing_swaps_the_files(warehouse: LocalWarehouse, tmp_path: Path) -> None:
    [old] = fill(warehouse, 1)
    with warehouse.staging() as work:
        new = warehouse.add(prepare(work, 1, rows=20), replace=True)
    assert warehouse.datasets() == [new]
    assert new.tables["synapses"].rows == 20
    kept = {file for info in new.tables.values() for file in info.files}
    assert files(tmp_path / "warehouse") == kept | {f"datasets/{old.id}.json"}


def test_replacing_with_the_same_content_keeps_it(warehouse: LocalWarehouse, tmp_path: Path) -> None:
    fill(warehouse, 1)
    before = files(tmp_path / "warehouse")
    with warehouse.staging() as work:
        warehouse.add(prepare(work, 1), replace=True)
    assert files(tmp_path / "warehouse") == before


def test_a_folder_without_an_id_replaces_the_dataset_of_its_name(warehouse: LocalWarehouse) -> None:
    fill(warehouse, 1)
    with warehouse.staging() as work:
        new = warehouse.add(prepare(work, 9, rows=20, name="dataset_1", states_id=False), replace=True)
    assert [dataset.id for dataset in warehouse.datasets()] == [new.id] == [str(UUID(int=1))]
    assert f"dataset_id={new.id}" in new.tables["synapses"].files[0]


def test_replacing_does_not_take_another_name(warehouse: LocalWarehouse) -> None:
    fill(warehouse, 1, 2)
    with warehouse.staging() as work, pytest.raises(Conflict):
        warehouse.add(prepare(work, 2, name="dataset_1"), replace=True)


def test_removing_leaves_nothing(warehouse: LocalWarehouse, tmp_path: Path) -> None:
    removed, kept = fill(warehouse, 1, 2)
    assert warehouse.remove(removed.id) == removed
    assert warehouse.datasets() == [kept]
    assert not any(removed.id in file for file in files(tmp_path / "warehouse"))
    with pytest.raises(NotFound):
        warehouse.remove(removed.id)


def test_a_failure_while_adding_leaves_nothing(
    warehouse: LocalWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [kept] = fill(warehouse, 2)
    before = files(tmp_path / "warehouse")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with warehouse.staging() as work, pytest.raises(OSError, match="No space"):
        warehouse.add(prepare(work, 1))
    assert warehouse.datasets() == [kept]
    assert files(tmp_path / "warehouse") == before


def test_files_of_a_killed_process_are_cleared_by_the_next_change(
    warehouse: LocalWarehouse, tmp_path: Path
) -> None:
    root = tmp_path / "warehouse"
    [dataset] = fill(warehouse, 1)
    orphan = root / "tables" / "synapses" / f"dataset_id={UUID(int=5)}" / "a.parquet"
    orphan.parent.mkdir()
    orphan.write_bytes(b"")
    abandoned = root / "staging" / "abandoned"
    abandoned.mkdir()
    (abandoned / "work.duckdb").write_bytes(b"")
    assert warehouse.datasets() == [dataset]
    fill(warehouse, 2)
    assert not orphan.exists()
    assert not abandoned.exists()


def test_work_of_a_living_process_is_left_alone(warehouse: LocalWarehouse) -> None:
    with warehouse.staging() as mine, warehouse.staging() as other:
        assert mine != other
        assert mine.is_dir()


def test_a_manifest_that_can_not_be_read_hides_its_dataset_and_keeps_its_files(
    warehouse: LocalWarehouse, tmp_path: Path
) -> None:
    [broken, kept] = fill(warehouse, 1, 2)
    (tmp_path / "warehouse" / "datasets" / f"{broken.id}.json").write_text("{")
    fill(warehouse, 3)
    assert [dataset.name for dataset in warehouse.datasets()] == [kept.name, "dataset_3"]
    assert (tmp_path / "warehouse" / broken.tables["synapses"].files[0]).exists()


def test_listing_reads_only_manifests_that_changed(
    warehouse: LocalWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(warehouse, 1, 2)
    warehouse.datasets()
    loaded: list[str] = []
    monkeypatch.setattr(json, "loads", loaded.append)
    assert len(warehouse.datasets()) == 2
    assert loaded == []


def test_another_process_sees_what_is_added_and_removed(warehouse: LocalWarehouse, tmp_path: Path) -> None:
    other = LocalWarehouse(tmp_path / "warehouse")
    assert other.datasets() == []
    [dataset] = fill(warehouse, 1)
    assert other.datasets() == [dataset]
    warehouse.remove(dataset.id)
    assert other.datasets() == []


def _add(root: str) -> str:
    warehouse = LocalWarehouse(Path(root))
    try:
        with warehouse.staging() as work:
            return warehouse.add(prepare(work, 1)).name
    except Conflict as conflict:
        return conflict.error_code


@pytest.mark.slow
def test_of_processes_that_add_the_same_one_wins(warehouse: LocalWarehouse, tmp_path: Path) -> None:
    outcomes = at_once(_add, str(tmp_path / "warehouse"), 4)
    assert sorted(outcomes) == ["dataset_1"] + ["dataset_exists"] * 3
    assert len(warehouse.datasets()) == 1


@pytest.mark.parametrize(
    "change",
    [
        LocalWarehouse.writable,
        lambda warehouse: warehouse.staging().__enter__(),
        lambda warehouse: warehouse.remove(str(UUID(int=1))),
    ],
)
def test_a_folder_that_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[LocalWarehouse], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(LocalWarehouse(Path("house")), 1)
    shutil.rmtree("house/staging")
    Path("house/staging").write_text("a file in its place")
    warehouse = LocalWarehouse(Path("house"))
    with pytest.raises(BadSetting) as caught:
        change(warehouse)
    assert caught.value.message.startswith("The warehouse house can't be written: ")
    assert str(tmp_path) not in caught.value.message
    assert len(warehouse.datasets()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir(mode=0o500)
    with pytest.raises(BadSetting):
        LocalWarehouse(tmp_path / "house").writable()
