"""A query on one dataset reads its files alone: the engine's own plan says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from syndb_service.domain.table_schema import TABLES
from syndb_service.sql.session import lock_down, open_session, set_limits

DATASETS = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(20)]
VALUES = {"synapse_id": "range", "pre_neuron_id": "range", "post_neuron_id": "range + 1"}
ONE, TWO = DATASETS[7], DATASETS[12]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked engine on a warehouse of twenty datasets."""
    paths = []
    for dataset in DATASETS:
        folder = tmp_path_factory.mktemp("warehouse") / f"dataset_id={dataset}"
        folder.mkdir()
        paths.append(str(folder / "synapses.parquet"))
        columns = ", ".join(
            f"CAST({VALUES.get(column.name, 'NULL')} AS {column.type}) AS {column.name}"
            for column in TABLES["synapses"]
            if column.name != "dataset_id"
        )
        duckdb.execute(f"COPY (SELECT {columns} FROM range(10)) TO '{paths[-1]}' (FORMAT parquet)")
    engine = open_session()
    set_limits(engine, memory_bytes=10**9, threads=1)
    lock_down(engine, ["synapses", "connections"], {"synapses": paths})
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("condition", "files"),
    [
        (f"dataset_id = '{ONE}'", "1/20"),
        (f"dataset_id IN ('{ONE}', '{TWO}')", "2/20"),
        (f"dataset_id = '{ONE}' AND pre_neuron_id > 5", "1/20"),
    ],
)
@pytest.mark.parametrize("table", ["synapses", "connections"])
def test_only_the_files_of_the_named_datasets_are_read(
    engine: duckdb.DuckDBPyConnection, table: str, condition: str, files: str
) -> None:
    query = f"SELECT count(*), max(post_neuron_id) FROM {table} WHERE {condition}"
    ((_, plan),) = engine.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    assert scanned(json.loads(plan)) == [files], plan


def scanned(plan: Any) -> list[str]:
    """Return what each scan of a plan says of the files it reads."""
    found: list[str] = []
    for node in plan if isinstance(plan, list) else [plan]:
        files = node.get("extra_info", {}).get("Scanning Files")
        found += [files] if files else []
        found += scanned(node.get("children", []))
    return found


def test_a_plan_of_all_names_all(engine: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ((_, plan),) = engine.execute("EXPLAIN (FORMAT json) SELECT max(pre_neuron_id) FROM synapses").fetchall()
    assert scanned(json.loads(plan)) in ([], ["20/20"])
