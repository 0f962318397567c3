"""What the tests of the graph engine share: a dataset, options, and a DuckDB that holds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import pytest

from tests.support.graph_shapes import Holder

OPTIONS: dict[str, Any] = {"min_synapses": 1, "max_edges": None, "top_hubs": 10, "seed": 0}
DATASET = {"id": "d", "name": "made_up", "title": "Made up", "version": "1", "citation": "nobody"}


@pytest.fixture
def options() -> dict[str, Any]:
    return dict(OPTIONS)


@pytest.fixture
def dataset() -> dict[str, Any]:
    return dict(DATASET)


@pytest.fixture
def hold() -> Holder:
    """Put neurons and (pre, post, synapses) rows into the tables that the engine reads."""

    def held(
        neuron_ids: Iterable[int], connections: Iterable[tuple[int, int, int]]
    ) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect()
        con.execute(
            "CREATE TABLE neurons (dataset_id VARCHAR, neuron_id BIGINT, name VARCHAR, cell_class VARCHAR, "
            "majority_neurotransmitter VARCHAR, brain_structure VARCHAR, cell_type VARCHAR)"
        )
        con.execute(
            "CREATE TABLE synapses (dataset_id VARCHAR, pre_neuron_id BIGINT, post_neuron_id BIGINT, "
            "neurotransmitter VARCHAR, brain_structure VARCHAR)"
        )
        con.execute(
            "CREATE TABLE neuron_relations (dataset_id VARCHAR, pre_neuron_id BIGINT, post_neuron_id BIGINT, "
            "relation VARCHAR, weight DOUBLE)"
        )
        neurons = [("d", i, f"N{i}", "interneuron" if i % 2 else "motor") for i in neuron_ids]
        rows = [("d", *row) for row in connections]
        others = [("other", 1, 2, 50), ("other", 2, 1, 50)]
        con.executemany(
            "INSERT INTO neurons VALUES (?, ?, ?, ?, NULL, NULL, NULL)", [*neurons, ("other", 1, "X", None)]
        )
        con.executemany(
            "INSERT INTO synapses SELECT ?, ?, ?, NULL, NULL FROM range(?)",
            [*rows, *others],
        )
        return con

    return held
