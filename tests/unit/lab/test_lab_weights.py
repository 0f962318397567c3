"""Weights that are NULL, infinite or texts: added up, or refused by name; filters beyond a column's ends."""

from __future__ import annotations

import itertools
import operator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.results.graph_objects import directed_graph, to_igraph
from syndb_lab.subnetwork.fetch import fetch
from syndb_lab.subnetwork.filter_sql import ConnectionSource
from syndb_lab.subnetwork.neighborhood_sql import SubnetworkRequest

ENDS = {"pre": [1, 1], "post": [2, 2]}
COMPARED = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt}


@pytest.mark.parametrize("value", [None, "many", True])
@pytest.mark.parametrize("name", ["synapse_count", "weight"])
def test_what_adds_up_to_no_weight_is_refused_by_name(value: Any, name: str) -> None:
    table = pa.Table.from_pylist([{"pre": 1, "post": 2, name: value}])
    with pytest.raises(ResultUnsuitable, match=rf"connection 1 → 2 has .* as {name}") as caught:
        directed_graph(table)
    assert "coalesce" in str(caught.value)


def test_a_users_own_weight_stays_beside_the_count() -> None:
    graph = directed_graph(pa.table({**ENDS, "synapse_count": [30, 12], "weight": [0.25, 0.5]}))
    assert graph.edges[1, 2] == {"synapse_count": 42, "weight": 0.75}


def test_a_sum_that_arrow_holds_as_text_is_a_number() -> None:
    graph = directed_graph(pa.table({**ENDS, "synapse_count": [str(2**70), "1"]}))
    assert graph.edges[1, 2]["weight"] == 2**70 + 1


def test_a_column_may_be_called_as_an_argument_of_networkx_is() -> None:
    names = ("self", "u_of_edge", "v_of_edge", "ebunch_to_add", "name")
    columns = {name: ["x", "y"] for name in names}
    neurons = pa.table({"neuron_id": [1, 2], "node_for_adding": ["a", "b"], "self": ["c", "d"]})
    graph = directed_graph(pa.table({**ENDS, **columns}), neurons)
    assert graph.edges[1, 2] == {**dict.fromkeys(names, "x"), "weight": 2}
    assert graph.nodes[2] == {"node_for_adding": "b", "self": "d"}
    built = to_igraph(graph)
    assert (built.es["self"], built.vs["name"], built.vs["self"]) == (["x"], [1, 2], ["c", "d"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"pre": [float("nan")], "post": [2.0]}), "pre holds nan, which is no neuron id"),
        (pa.table({"pre": [1], "post": [[2]]}), r"post holds \[2\]"),
        (pa.table({"pre": [True], "post": [2]}), "pre holds True"),
        (pa.table({"pre": [1], "post": pa.array([None], pa.int64())}), "a row without post"),
        (pa.Table.from_arrays([pa.array([1])] * 3, names=["pre", "post", "pre"]), "several columns pre"),
        (
            pa.Table.from_arrays([pa.array([1])] * 4, names=["pre", "post", "weight", "weight"]),
            "several columns weight",
        ),
    ],
)
def test_what_stands_for_no_neuron_is_refused_by_name(table: pa.Table, said: str) -> None:
    with pytest.raises(ResultUnsuitable, match=said) as caught:
        directed_graph(table)
    assert caught.value.hint


def test_odd_graphs_are_graphs() -> None:
    none = pa.array([], pa.int64())
    assert to_igraph(directed_graph(pa.table({"pre": none, "post": none}))).vcount() == 0
    assert list(directed_graph(pa.table({"pre": [7, 7], "post": [7, 7]})).edges(data="weight")) == [(7, 7, 2)]
    graph = directed_graph(pa.table({**ENDS, "weight": [float("inf"), 1.0]}))
    assert graph.edges[1, 2]["weight"] == float("inf")


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_that_cannot_be_drawn_is_refused_by_name(weight: float) -> None:
    chosen = pa.table(
        {"id": [1, 2], "hop": [0, 1]}
        | {name: [1, 1] for name in ("neurons", "connected", "connections", "within", "too_weak")}
    )
    edges = pa.table({"pre": [1], "post": [2], "n": [weight], "junction": [False], "among": [1]})
    answers = iter([[chosen], [edges]])

    def ask(_: Any) -> list[pa.Table]:
        return next(answers)

    source = ConnectionSource("known AS (SELECT 1), kept AS (SELECT 1)")
    with pytest.raises(ResultUnsuitable, match=r"connection 1 → 2 weighs (nan|inf)"):
        fetch(
            ask,
            source,
            SubnetworkRequest(),
            "the hubs",
            {},
            min_synapses=1,
            counted="",
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "largest"), [(pa.decimal128(38, 2), "9" * 36 + ".99"), (pa.decimal128(5, 1), "9999.9")]
)
def test_a_filter_on_decimals_is_exact_up_to_its_ends(
    tmp_path: Path, kind: pa.DataType, largest: str
) -> None:
    values = [Decimal(largest), Decimal(f"-{largest}"), Decimal("0.1"), None]
    path = tmp_path / "x.arrow"
    table = pa.table({"c": pa.array(values, kind)})
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    rows = RowView(path)
    for sign, text in itertools.product(
        COMPARED, [largest, f"-{largest}", "1e40", "-1e40", "1e36", "0.1", "1e400"]
    ):
        found, _ = rows.page(ViewSpec((), {0: f"{sign} {text}"}), 0, 9, [0])
        right = [n for n, one in enumerate(values) if one is not None and COMPARED[sign](one, Decimal(text))]
        assert found == right, (sign, text)
    rows.close()
