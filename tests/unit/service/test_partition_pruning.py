"""Which datasets a query can reach: never fewer than it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from syndb_service.domain.table_schema import TABLES, VIEWS, view_sql
from syndb_service.sql.partition_pruning import prune_datasets
from syndb_service.sql.query_summary import parse_tree

pytestmark = pytest.mark.slow

A, B, C = "a", "b", "c"
ALL = None
PARAMETERS = {"one": A, "some": [A, B], "mixed": [A, 1]}
QUERIES: list[tuple[str, set[str] | None]] = [
    ("FROM synapses WHERE dataset_id = 'a'", {A}),
    ("FROM synapses s WHERE 'a' = s.DATASET_ID AND pre_neuron_id > 1", {A}),
    ("FROM synapses WHERE dataset_id IN ('a', 'b')", {A, B}),
    ("FROM synapses WHERE dataset_id = $one", {A}),
    ("FROM synapses WHERE dataset_id IN $some", {A, B}),
    ("FROM synapses WHERE dataset_id IN ('a', 'b') AND dataset_id = 'b'", {B}),
    ("SELECT count(*) FROM connections WHERE dataset_id = 'a' GROUP BY pre_neuron_id", {A}),
    ("FROM synapses s JOIN neurons n USING (dataset_id) WHERE dataset_id = 'a'", {A}),
    ("FROM synapses s JOIN neurons n USING (dataset_id) WHERE n.dataset_id = 'a'", {A}),
    ("FROM synapses s JOIN neurons n ON s.dataset_id = n.dataset_id AND s.dataset_id = 'a'", {A}),
    ("FROM synapses s, neurons n WHERE s.dataset_id = 'a' AND n.dataset_id = 'b'", {A, B}),
    ("FROM synapses s, neurons n WHERE s.dataset_id = n.dataset_id AND n.dataset_id = 'b'", {B}),
    ("WITH t AS (FROM synapses WHERE dataset_id = 'a') FROM t JOIN neurons n ON n.dataset_id = 'b'", {A, B}),
    ("FROM synapses WHERE dataset_id = 'a' UNION ALL FROM synapses WHERE dataset_id = 'b'", {A, B}),
    (
        "FROM synapses s WHERE dataset_id = 'a' AND EXISTS (FROM neurons n WHERE n.dataset_id = 'c')",
        {A, C},
    ),
    ("FROM synapses", ALL),
    ("FROM synapses WHERE dataset_id <> 'a'", ALL),
    ("FROM synapses WHERE dataset_id = 'a' OR pre_neuron_id = 2", ALL),
    ("FROM synapses WHERE NOT dataset_id = 'a'", ALL),
    ("FROM synapses WHERE dataset_id NOT IN ('a')", ALL),
    ("FROM synapses WHERE dataset_id IN ('a', lower('B'))", ALL),
    ("FROM synapses WHERE dataset_id IN $mixed", ALL),
    ("FROM synapses WHERE contains(dataset_id, 'a')", ALL),
    ("FROM synapses WHERE contains('abc', dataset_id)", ALL),
    ("FROM synapses WHERE dataset_id LIKE 'a'", ALL),
    ("FROM synapses WHERE upper(dataset_id) = 'A'", ALL),
    ("FROM synapses WHERE dataset_id COLLATE NOCASE = 'A'", ALL),
    ("FROM (FROM synapses) WHERE dataset_id = 'a'", ALL),
    ("FROM synapses AS s(dataset_id, b, c) WHERE dataset_id = 'a'", ALL),
    ("FROM synapses AS s(x, dataset_id) WHERE dataset_id::VARCHAR = 'a'", ALL),
    ("FROM synapses TABLESAMPLE 2 ROWS WHERE dataset_id = 'a'", ALL),
    ("SELECT * FROM synapses WHERE dataset_id = 'a' USING SAMPLE 100 ROWS", ALL),
    ("FROM synapses s LEFT JOIN neurons n ON n.dataset_id = 'a' WHERE s.dataset_id = 'a'", ALL),
    ("FROM synapses s FULL JOIN neurons n USING (dataset_id) WHERE s.dataset_id = 'a'", ALL),
    ("FROM synapses s POSITIONAL JOIN neurons n WHERE s.dataset_id = 'a' AND n.dataset_id = 'a'", ALL),
    ("FROM synapses s NATURAL JOIN neurons n WHERE s.dataset_id = 'a'", ALL),
    ("FROM synapses s, neurons n WHERE s.dataset_id = 'a'", ALL),
    ("FROM synapses s JOIN neurons n USING (dataset_id), axons x WHERE n.dataset_id = 'a'", ALL),
    ("FROM synapses s WHERE EXISTS (FROM neurons n WHERE s.dataset_id = 'a')", ALL),
    ("SELECT (SELECT count(*) FROM neurons) FROM synapses WHERE dataset_id = 'a'", ALL),
    ("PIVOT (FROM synapses WHERE dataset_id = 'a') ON pre_neuron_id IN (1, 2) USING count(*)", {A}),
    ("PIVOT synapses ON dataset_id IN ('a') USING count(*)", ALL),
    ("SUMMARIZE synapses", ALL),
    ("SELECT 1", ALL),
    ("SELECT 'a' AS dataset_id, * EXCLUDE (dataset_id) FROM synapses WHERE dataset_id = 'a'", {A}),
    ("FROM synapses QUALIFY dataset_id = 'a'", ALL),
    ("SELECT dataset_id, count(*) FROM synapses GROUP BY ALL HAVING dataset_id = 'a'", ALL),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Three datasets of three tables, a few rows each."""
    root = tmp_path_factory.mktemp("tables")
    found: dict[str, list[str]] = {}
    for table in ("synapses", "neurons", "axons"):
        for number, dataset in enumerate((A, B, C)):
            path = root / table / f"dataset_id={dataset}" / "0.parquet"
            path.parent.mkdir(parents=True)
            columns = ", ".join(
                f"(range + {number})::BIGINT::{column.type} AS {column.name}" for column in TABLES[table][1:]
            )
            duckdb.sql(f"SELECT {columns} FROM range(4)").write_parquet(str(path))
            found.setdefault(table, []).append(str(path))
    return found


def engine(files: dict[str, list[str]], reached: set[str] | None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for table in ("synapses", "neurons", "axons"):
        paths = [
            path
            for path in files[table]
            if reached is None or Path(path).parent.name.removeprefix("dataset_id=") in reached
        ]
        connection.execute(f"CREATE VIEW {table} AS {view_sql(table, paths)}")
    connection.execute(f"CREATE VIEW connections AS {VIEWS['connections'].sql}")
    return connection


@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[sql[:60] for sql, _ in QUERIES])
def test_reach(sql: str, expected: set[str] | None) -> None:
    root = parse_tree(duckdb.connect(), sql)
    found = prune_datasets(root, PARAMETERS, (*TABLES, *VIEWS)) if root is not None else None
    assert found == expected


def limited() -> Iterator[tuple[str, set[str]]]:
    for sql, reached in QUERIES:
        if reached is not None:
            yield sql, reached


@pytest.mark.parametrize(("sql", "reached"), list(limited()), ids=[sql[:60] for sql, _ in limited()])
def test_nothing_is_missed_where_only_the_reached_are_there(
    files: dict[str, list[str]], sql: str, reached: set[str]
) -> None:
    def rows(connection: duckdb.DuckDBPyConnection) -> Sequence[Any]:
        used = {name: value for name, value in PARAMETERS.items() if f"${name}" in sql}
        return sorted(map(repr, connection.sql(sql, params=used or None).fetchall()))

    whole = rows(engine(files, None))
    assert rows(engine(files, reached)) == whole
    assert whole, "a query without rows shows nothing"
