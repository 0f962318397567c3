"""Joins that forget the dataset of a table, found by the tree of the query."""

from __future__ import annotations

import duckdb
import pytest

from syndb_service.sql.query_summary import parse_tree
from syndb_service.sql.unscoped_joins import unscoped_tables

TABLES = ("neurons", "connections", "synapses")
PAIR = "FROM neurons n JOIN connections c ON n.neuron_id = c.pre_neuron_id"


@pytest.fixture(scope="module")
def parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.mark.parametrize(
    ("sql", "loose"),
    [
        (f"SELECT 1 {PAIR} WHERE n.dataset_id = 'x'", ["c"]),
        (f"SELECT 1 {PAIR} AND n.dataset_id = c.dataset_id", []),
        (f"SELECT 1 {PAIR} WHERE n.dataset_id = 'x' AND C.dataset_id = 'x'", []),
        (f"SELECT 1 {PAIR}", ["n", "c"]),
        ("SELECT 1 FROM neurons, connections WHERE neuron_id = pre_neuron_id", ["neurons", "connections"]),
        ("SELECT 1 FROM neurons LEFT JOIN connections USING (dataset_id)", []),
        ("SELECT 1 FROM neurons NATURAL JOIN connections", []),
        ("SELECT 1 FROM neurons WHERE neuron_id = 3", []),
        ("SELECT 1 FROM neurons, range(3)", []),
        ("WITH s AS (SELECT * FROM synapses) SELECT * FROM s WHERE dataset_id = 'x'", []),
        (
            "WITH s AS (SELECT pre_neuron_id AS p FROM synapses WHERE dataset_id = 'x') "
            "SELECT name FROM s JOIN neurons n ON n.neuron_id = s.p",
            ["n"],
        ),
        (
            "SELECT name FROM (SELECT pre_neuron_id AS p FROM synapses WHERE dataset_id = 'x') s "
            "JOIN neurons n ON n.neuron_id = s.p",
            ["n"],
        ),
        (
            "SELECT name FROM neurons n WHERE n.dataset_id = 'x' AND neuron_id IN "
            "(SELECT c.pre_neuron_id FROM connections c)",
            ["c"],
        ),
        (
            "SELECT name FROM neurons n WHERE n.dataset_id = 'x' AND EXISTS (SELECT 1 FROM connections c "
            "WHERE c.pre_neuron_id = n.neuron_id AND c.dataset_id = n.dataset_id)",
            [],
        ),
        ("SELECT 1 FROM neurons n JOIN neurons m ON n.name = m.name WHERE n.dataset_id = 'x'", ["m"]),
    ],
)
def test_what_is_joined_without_its_dataset(
    parser: duckdb.DuckDBPyConnection, sql: str, loose: list[str]
) -> None:
    root = parse_tree(parser, sql)
    assert root is not None
    assert unscoped_tables(root, TABLES) == loose
