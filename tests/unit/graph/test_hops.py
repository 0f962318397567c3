"""Searching from many neurons at once finds what a search from each alone finds."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.model.connectome import Connectome, connectome_from_edges
from syndb_service.graph.paths.breadth_first_search import count_hops
from syndb_service.graph.paths.components import find_components
from syndb_service.graph.paths.path_lengths import reachability, reachability_from, reachable, shortest_paths
from tests.support.graph_shapes import SHAPES, Shape, shapes


def digraph(shape: Shape) -> nx.DiGraph:
    graph = nx.DiGraph(shape[1])
    graph.add_nodes_from(range(shape[0]))
    return graph


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(shapes(), st.none() | st.integers(0, 6))
def test_hops_are_networkxs(shape: Shape, most: int | None) -> None:
    graph, theirs = connectome_from_edges(*shape), digraph(shape)
    found = count_hops(graph, np.arange(shape[0], dtype=np.int32), most)
    far = {source: nx.single_source_shortest_path_length(theirs, source, most) for source in theirs}
    pairs = Counter(hops for lengths in far.values() for hops in lengths.values())
    assert found.pairs.tolist() == [pairs[hops] for hops in range(max(pairs, default=0) + 1)]
    assert found.reached.tolist() == [len(far[source]) - 1 for source in range(shape[0])]
    assert found.lengths.tolist() == [sum(far[source].values()) for source in range(shape[0])]
    further = nx.all_pairs_shortest_path_length(theirs)
    assert found.complete == all(len(lengths) == len(far[source]) for source, lengths in further)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(shapes())
def test_what_each_neuron_reaches_is_exact(shape: Shape) -> None:
    graph, theirs = connectome_from_edges(*shape), digraph(shape)
    found = reachable(graph, find_components(graph, "strong"))
    assert found.tolist() == [len(nx.descendants(theirs, neuron)) for neuron in range(shape[0])]


def test_threads_change_nothing() -> None:
    graph = connectome_from_edges(*SHAPES["more than a word of sources"])
    sources = np.arange(graph.neuron_count, dtype=np.int32)
    one, many = count_hops(graph, sources), count_hops(graph, sources, thread_pool=ThreadPool(3))
    assert one.pairs.tolist() == many.pairs.tolist()
    assert one.lengths.tolist() == many.lengths.tolist()


def test_reachability_of_one_neuron() -> None:
    found = reachability_from(connectome_from_edges(5, [(0, 1), (1, 2), (1, 3)]), 0, 1)
    assert found["neurons_reached"] == [0, 1]
    assert not found["complete"]
    assert reachability_from(connectome_from_edges(1, []), 0)["mean_fraction_reached"] == [0.0]


def ring(n: int) -> Connectome:
    return connectome_from_edges(n, [(i, (i + 1) % n) for i in range(n)])


def test_a_long_ring_is_exact() -> None:
    n = 3000
    graph, told = ring(n), [0.0]
    paths = shortest_paths(graph, np.arange(n, dtype=np.int32), 0, ThreadPool(2, told.append))
    curve = reachability(graph, 0)
    assert (paths["mean_shortest_path"], paths["diameter"], paths["exact"]) == (n / 2, n - 1, True)
    assert paths["distribution"] == {"hops": list(range(1, n)), "paths": [n] * (n - 1)}
    assert curve["mean_fraction_reached"] == [k / (n - 1) for k in range(101)]
    assert told == sorted(told)
    assert told[-1] == 1.0
