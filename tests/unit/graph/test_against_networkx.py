"""Every figure equals that of an independent library, on graphs of many shapes."""

from __future__ import annotations

from typing import Any

import igraph
import networkx as nx
import pytest
from hypothesis import given, settings

from syndb_service.domain.graph.analysis_options import FullOptions
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.analyze import run_analyses, stages_of
from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.triad_census import TRIADS, triadic_census
from syndb_service.graph.measures.triangles import enumerate_triangles
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.progress import StageProgress
from tests.support.graph_shapes import SHAPES, Shape, shapes

EXACT_IN_FLOATS = 1e-12


def analysed(shape: Shape) -> dict[str, Any]:
    options = FullOptions(top_hubs=5, samples=2)
    graph, stages = (
        connectome_from_edges(*shape),
        StageProgress(lambda name, fraction: None, stages_of(options)),
    )
    return run_analyses(AnalysisContext(graph, options, stages))


def digraph(shape: Shape) -> Any:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(shape[0]))
    graph.add_edges_from(shape[1])
    return graph


def check(shape: Shape) -> None:
    answer, graph = analysed(shape), digraph(shape)
    n, m = graph.number_of_nodes(), graph.number_of_edges()
    assert (answer["neuron_count"], answer["connection_count"]) == (n, m)
    assert answer["density"] == (nx.density(graph) if n > 1 else None)
    assert answer["reciprocity"] == (nx.reciprocity(graph) if m else None)
    check_components(answer, graph)
    check_clustering(answer, graph)
    check_reachability(answer, graph)
    census = answer["triadic_census"]
    assert list(census) == list(TRIADS)
    assert census == nx.triadic_census(graph)


def check_components(answer: dict[str, Any], graph: Any) -> None:
    weak = [len(c) for c in nx.weakly_connected_components(graph)]
    strong = sorted(nx.strongly_connected_components(graph), key=lambda c: (-len(c), min(c)))
    assert answer["weakly_connected_components"] == {"count": len(weak), "largest": max(weak, default=0)}
    largest = strong[0] if strong else set()
    assert answer["strongly_connected_components"] == {"count": len(strong), "largest": len(largest)}
    if len(largest) < 2:
        assert answer["mean_shortest_path"] is None
        assert answer["diameter"] is None
    else:
        inside = graph.subgraph(largest)
        assert answer["mean_shortest_path"] == nx.average_shortest_path_length(inside)
        assert answer["diameter"] == nx.diameter(inside)


def check_clustering(answer: dict[str, Any], graph: Any) -> None:
    if not len(graph):
        assert answer["mean_clustering_coefficient"] is None
        return
    directed, undirected = nx.average_clustering(graph), nx.average_clustering(graph.to_undirected())
    assert answer["mean_clustering_coefficient"] == pytest.approx(directed, abs=EXACT_IN_FLOATS)
    assert answer["mean_clustering_coefficient_undirected"] == pytest.approx(undirected, abs=EXACT_IN_FLOATS)


def check_reachability(answer: dict[str, Any], graph: Any) -> None:
    n = len(graph)
    curve = answer["reachability"]["mean_fraction_reached"]
    if n < 2:
        assert curve == []
        return
    distances = [d for _, lengths in nx.all_pairs_shortest_path_length(graph) for d in lengths.values() if d]
    expected = [sum(d <= k for d in distances) / (n * (n - 1)) for k in range(max(distances, default=0) + 1)]
    assert curve == expected
    assert answer["reachability"]["hops"] == list(range(len(expected)))


@pytest.mark.parametrize("name", SHAPES)
def test_every_figure_on_a_shape(name: str) -> None:
    check(SHAPES[name])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(shapes())
def test_every_figure_on_any_graph(shape: Shape) -> None:
    check(shape)


@settings(max_examples=60, deadline=None)
@given(shapes(largest=24))
def test_census_equals_igraphs(shape: Shape) -> None:
    n, edges = shape
    graph = connectome_from_edges(n, edges)
    theirs = igraph.Graph(n=n, edges=edges, directed=True).triad_census()
    names = {name: getattr(theirs, f"t{name}") for name in TRIADS}
    assert triadic_census(graph, enumerate_triangles(graph)) == {k: int(v) for k, v in names.items()}


def test_census_does_not_depend_on_the_blocks_or_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = connectome_from_edges(*SHAPES["heavy-tailed"])
    whole = enumerate_triangles(graph)
    monkeypatch.setattr("syndb_service.graph.measures.triangles._MIN_WORK", 7)
    told: list[float] = []
    pieces = enumerate_triangles(graph, ThreadPool(3, told.append))
    assert pieces.kinds == whole.kinds
    assert pieces.directed.tolist() == whole.directed.tolist()
    assert enumerate_triangles(graph, by_neuron=False).kinds == whole.kinds
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 10


def test_degrees_are_networkxs() -> None:
    n, edges = SHAPES["heavy-tailed"]
    answer, graph = analysed((n, edges)), digraph((n, edges))
    for name, degrees in (("in_degree", graph.in_degree()), ("out_degree", graph.out_degree())):
        spread = answer[name]["distribution"]
        counted = [d for d, k in zip(spread["values"], spread["counts"], strict=True) for _ in range(k)]
        assert counted == sorted(d for _, d in degrees)
        assert answer[name]["max"] == counted[-1]
        assert answer[name]["mean"] == sum(counted) / n
