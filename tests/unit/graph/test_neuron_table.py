"""The figures of every neuron equal those of independent libraries, on graphs of many shapes."""

from __future__ import annotations

from typing import Any

import igraph
import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given, settings

from syndb_service.domain.graph.analysis_options import read_options
from syndb_service.graph import analyze, neuron_table
from syndb_service.graph.analyses import ANALYSES
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.analyze import stages_of
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.progress import StageProgress
from tests.support.graph_shapes import SHAPES, Holder, Shape, shapes

OPTIONS: dict[str, Any] = {"node_table": True, "seed": 0}


def made(shape: Shape, threads: int = 1) -> pa.Table:
    synapses = [1 + (3 * pre + post) % 7 for pre, post in shape[1]]
    options = read_options("hubs", OPTIONS)
    stages = StageProgress(lambda name, fraction: None, stages_of(options))
    return neuron_table(AnalysisContext(connectome_from_edges(*shape, synapses), options, stages, threads))


def check(shape: Shape) -> None:
    table, (n, edges) = made(shape).to_pydict(), shape
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from((pre, post, 1 + (3 * pre + post) % 7) for pre, post in edges)
    assert table["neuron_id"] == list(range(n))
    assert table["degree"] == [graph.degree(v) for v in graph]
    assert table["in_degree"] == [graph.in_degree(v) for v in graph]
    assert table["out_strength"] == [graph.out_degree(v, weight="weight") for v in graph]
    assert table["strength"] == [graph.degree(v, weight="weight") for v in graph]
    assert table["core_number"] == [nx.core_number(graph)[v] for v in graph]
    assert table["neurons_reached"] == [len(nx.descendants(graph, v)) for v in graph]
    assert table["reachability"] == [
        len(nx.descendants(graph, v)) / (n - 1) if n > 1 else None for v in graph
    ]
    clustering = nx.clustering(graph) if n else {}
    assert table["clustering"] == pytest.approx([clustering[v] for v in graph], abs=1e-12)
    ranks = nx.pagerank(graph, tol=1e-15, max_iter=2000) if n else {}
    assert table["pagerank"] == pytest.approx([ranks[v] for v in graph], abs=1e-10)


@pytest.mark.parametrize("name", SHAPES)
def test_every_column_on_a_shape(name: str) -> None:
    check(SHAPES[name])


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(shapes())
def test_every_column_on_any_graph(shape: Shape) -> None:
    check(shape)


def test_cores_and_ranks_are_igraphs_too() -> None:
    n, edges = SHAPES["heavy-tailed"]
    table, weights = made((n, edges)).to_pydict(), [1 + (3 * pre + post) % 7 for pre, post in edges]
    graph = igraph.Graph(n=n, edges=edges, directed=True)
    assert table["core_number"] == graph.coreness(mode="all")
    assert table["pagerank"] == pytest.approx(graph.pagerank(weights=weights), abs=1e-9)


def test_the_threads_do_not_matter() -> None:
    assert made(SHAPES["heavy-tailed"], 3).equals(made(SHAPES["heavy-tailed"]))


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ["full", *ANALYSES])
def test_every_analysis_gives_it_and_tells_its_stages(
    analysis: str, hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    n, edges = SHAPES["medium"]
    first = 720575940600000001
    con = hold(range(first, first + n), [(first + pre, first + post, 1) for pre, post in edges])
    con.execute("UPDATE neurons SET name = NULL WHERE neuron_id % 3 = 0")
    options |= OPTIONS | {
        "source": f"{first}",
        "target": f"{first + 1}",
        "by": "neurotransmitter",
        "samples": 2,
    }
    told: list[tuple[str, float | None]] = []
    asked = read_options(analysis, options)
    answer, study = analyze(con, dataset, asked, lambda *stage: told.append(stage), threads=2)
    table = neuron_table(study)
    assert table["neuron_id"].to_pylist() == list(range(first, first + n))
    assert table["name"].null_count == sum((first + each) % 3 == 0 for each in range(n))
    assert set(table.column_names[4:]) <= set(
        answer["definitions"]["node_table"].replace(",", " ").replace(";", " ").split()
    )
    fractions = [fraction for _, fraction in told if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1 + 1e-9
    assert list(dict.fromkeys(name for name, _ in told)) == list(stages_of(asked))
