from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from syndb_service.domain import datasets as module
from syndb_service.domain.datasets import TABLES, VIEWS, Dataset, TableInfo, dataset_json, view_sql

DATASET = Dataset(
    id="5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8",
    name="small",
    title="A small one",
    species="Testudo testudo",
    version="2",
    licence="CC0",
    citation="Somebody (2001)",
    doi="10.1000/182",
    visibility="restricted",
    description="",
    tables={
        "neurons": TableInfo(
            2, 100, ("tables/neurons/dataset_id=5/a.parquet",), ("neuron_id", "soma_x"), {"soma_x": "voxel"}
        ),
        "synapses": TableInfo(3, 200, ("tables/synapses/dataset_id=5/b.parquet",), ("synapse_id",)),
    },
    views={"connections": 1},
    added_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def test_a_dataset_survives_json() -> None:
    assert Dataset.from_dict(json.loads(json.dumps(DATASET.to_dict()))) == DATASET


def test_the_wire_shows_what_a_dataset_brings_and_no_file() -> None:
    shown = dataset_json(DATASET)
    assert [(table["name"], table["rows"]) for table in shown["tables"]] == [
        ("neurons", 2),
        ("synapses", 3),
        ("connections", 1),
    ]
    assert shown["tables"][0]["columns"] == [
        {
            "name": "dataset_id",
            "type": "VARCHAR",
            "unit": None,
            "description": "the dataset the row belongs to",
        },
        {
            "name": "neuron_id",
            "type": "BIGINT",
            "unit": None,
            "description": "the neuron, unique within the dataset",
        },
        {"name": "soma_x", "type": "DOUBLE", "unit": "voxel", "description": "centre of the soma, x"},
    ]
    assert shown["visibility"] == "restricted"
    assert ".parquet" not in json.dumps(shown)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_begins_with_the_dataset_and_names_no_column_twice(table: str) -> None:
    names = [column.name for column in TABLES[table]]
    assert names[0] == "dataset_id"
    assert len(set(names)) == len(names)
    assert {column.type for column in TABLES[table]} <= {"BIGINT", "DOUBLE", "VARCHAR"}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_without_files_is_empty_and_typed(table: str) -> None:
    relation = duckdb.sql(view_sql(table, []))
    assert relation.fetchall() == []
    assert [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)] == [
        (column.name, column.type) for column in TABLES[table]
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_it_is_described_with(view: str) -> None:
    with duckdb.connect() as con:
        for table in TABLES:
            con.execute(f"CREATE VIEW {table} AS {view_sql(table, [])}")
        relation = con.sql(VIEWS[view].sql)
        assert [(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)] == [
            (column.name, column.type) for column in VIEWS[view].columns
        ]


@pytest.mark.parametrize("folder", ["it's", 'a "b"', "a,b]", "a; DROP TABLE x", "größe"])
def test_paths_are_quoted(tmp_path: Path, folder: str) -> None:
    partition = tmp_path / folder / "dataset_id=7"
    partition.mkdir(parents=True)
    path = partition / "a.parquet"
    picked = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in TABLES["axons"][1:])
    duckdb.sql(f"SELECT {picked}").write_parquet(str(path))
    assert duckdb.sql(f"SELECT dataset_id FROM ({view_sql('axons', [str(path)])})").fetchall() == [("7",)]


def test_the_domain_imports_no_engine() -> None:
    source = Path(module.__file__).parent
    for name in ("datasets.py", "table_schema.py"):
        assert "duckdb" not in "".join(
            line for line in (source / name).read_text().splitlines() if line.startswith(("import", "from"))
        )
