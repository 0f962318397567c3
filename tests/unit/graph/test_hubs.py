"""Hubs and the sub-network around them."""

from __future__ import annotations

import pytest

from syndb_service.domain.graph.analysis_options import HubsOptions
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.analyze import run_analyses, stages_of
from syndb_service.graph.measures.degrees import count_degrees
from syndb_service.graph.measures.hub_subnetwork import (
    CENTRES,
    MAX_CONNECTIONS,
    MAX_NEURONS,
    strongest_subnetwork,
)
from syndb_service.graph.measures.hubs import describe_hubs
from syndb_service.graph.model.connectome import Connectome, connectome_from_edges
from syndb_service.graph.progress import StageProgress
from tests.support.graph_shapes import SHAPES


def weighted(name: str) -> Connectome:
    n, edges = SHAPES[name]
    return connectome_from_edges(n, edges, [1 + (pre * 7 + post * 3) % 11 for pre, post in edges])


def test_hubs_are_ranked_by_partners_and_ties_by_id() -> None:
    graph = connectome_from_edges(6, [(4, 5), (5, 4), (1, 2), (2, 1), (0, 3)])
    hubs = describe_hubs(graph, count_degrees(graph), 10)
    assert [hub["neuron_id"] for hub in hubs] == ["1", "2", "4", "5", "0", "3"]
    assert [hub["rank"] for hub in hubs] == [1, 2, 3, 4, 5, 6]
    assert [hub["score"] for hub in hubs] == [2, 2, 2, 2, 1, 1]


def test_a_neuron_without_connections_is_no_hub() -> None:
    graph = connectome_from_edges(5, [(0, 1)])
    assert [hub["neuron_id"] for hub in describe_hubs(graph, count_degrees(graph), 5)] == ["0", "1"]


def test_no_hubs_where_none_are_asked_for() -> None:
    graph = connectome_from_edges(2, [(0, 1)])
    assert describe_hubs(graph, count_degrees(graph), 0) == []


def test_ranks_beside_the_score_count_the_neurons_above() -> None:
    graph = weighted("heavy-tailed")
    degrees = count_degrees(graph)
    for hub in describe_hubs(graph, degrees, 4):
        neuron = int(hub["neuron_id"])
        assert hub["score"] == hub["in_degree"] + hub["out_degree"]
        assert hub["in_strength"] == degrees.in_strength[neuron]
        assert hub["in_strength_rank"] == 1 + (degrees.in_strength > hub["in_strength"]).sum()


def test_the_subnetwork_is_bounded_and_exact() -> None:
    graph = weighted("heavy-tailed")
    part = strongest_subnetwork(graph, count_degrees(graph), CENTRES)
    ids = [neuron["neuron_id"] for neuron in part["neurons"]]
    sizes = [connection["synapse_count"] for connection in part["connections"]]
    assert len(ids) == len(set(ids)) == MAX_NEURONS
    assert len(sizes) == MAX_CONNECTIONS < part["connections_among_neurons"]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(neuron["is_hub"] for neuron in part["neurons"]) == CENTRES
    true = {
        (str(pre), str(post)): synapses
        for pre, post, synapses in zip(
            graph.pre.tolist(), graph.post.tolist(), graph.synapse_count.tolist(), strict=True
        )
    }
    for connection in part["connections"]:
        assert true[connection["pre"], connection["post"]] == connection["synapse_count"]


def test_every_neuron_that_was_brought_in_has_a_connection() -> None:
    for name in SHAPES:
        graph = weighted(name)
        part = strongest_subnetwork(graph, count_degrees(graph), CENTRES)
        touched = {connection[end] for connection in part["connections"] for end in ("pre", "post")}
        assert {neuron["neuron_id"] for neuron in part["neurons"] if not neuron["is_hub"]} <= touched


@pytest.mark.parametrize("top_hubs", [0, 1, 3, 10, 20, 100])
def test_the_hubs_of_the_subnetwork_are_those_of_the_answer(top_hubs: int) -> None:
    graph = weighted("heavy-tailed")
    options = HubsOptions(top_hubs=top_hubs)
    stages = StageProgress(lambda name, fraction: None, stages_of(options))
    answer = run_analyses(AnalysisContext(graph, options, stages))
    hubs = {hub["neuron_id"] for hub in answer["hubs"]}
    neurons = answer["strongest_subnetwork"]["neurons"]
    assert len(hubs) == top_hubs
    assert len(neurons) == MAX_NEURONS
    assert {neuron["neuron_id"] for neuron in neurons if neuron["is_hub"]} == hubs & {
        neuron["neuron_id"] for neuron in neurons
    }
