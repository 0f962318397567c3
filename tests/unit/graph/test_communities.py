"""Communities: as good as igraph's, hanging together, the same for the same seed; agreement as defined."""

from __future__ import annotations

import igraph
import numpy as np
import pytest
from hypothesis import given, settings

from syndb_service.graph.measures.communities import agreement, find_communities
from syndb_service.graph.model.connectome import Connectome, connectome_from_edges
from tests.support.graph_shapes import SHAPES, Shape, heavy_tailed, shapes


def weighted(shape: Shape) -> tuple[Connectome, igraph.Graph, list[int]]:
    n, edges = shape
    weights = [1 + (pre * 5 + post * 3) % 7 for pre, post in sorted(edges)]
    return connectome_from_edges(n, sorted(edges), weights), igraph.Graph(n=n, edges=sorted(edges)), weights


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(shapes())
def test_modularity_is_igraphs_and_communities_hang_together(shape: Shape) -> None:
    graph, theirs, weights = weighted(shape)
    found = find_communities(graph, 1.0, 3)
    if not shape[1]:
        assert found.modularity is None
        return
    labels = found.labels.tolist()
    assert found.modularity == pytest.approx(theirs.modularity(labels, weights=weights), abs=1e-12)
    sizes = np.bincount(found.labels).tolist()
    assert sizes == sorted(sizes, reverse=True)
    for community in range(found.count):
        members = np.flatnonzero(found.labels == community).tolist()
        assert len(theirs.induced_subgraph(members).connected_components()) == 1


@pytest.mark.parametrize(
    "shape", [SHAPES["heavy-tailed"], heavy_tailed(300, 1500, 6), SHAPES["several components"]], ids=str
)
def test_the_division_is_as_good_as_igraphs(shape: Shape) -> None:
    graph, theirs, weights = weighted(shape)
    best = max(
        theirs.modularity(
            theirs.community_leiden("modularity", weights=weights, n_iterations=2).membership, weights=weights
        )
        for _ in range(3)
    )
    ours = max(find_communities(graph, 1.0, seed).modularity or 0 for seed in range(3))
    assert ours > best - 0.02


def test_the_same_seed_finds_the_same() -> None:
    graph = connectome_from_edges(*SHAPES["heavy-tailed"])
    one, again = find_communities(graph, 1.0, 5), find_communities(graph, 1.0, 5)
    assert one.labels.tolist() == again.labels.tolist()
    assert find_communities(graph, 40.0, 5).count > one.count


def test_agreement_with_classes() -> None:
    labels = np.array([0, 0, 1, 1, 1, 2], np.int32)
    same = agreement(labels, ["a", "a", "b", "b", "b", "c"])
    assert (same["adjusted_rand_index"], same["normalised_mutual_information"]) == (1.0, pytest.approx(1.0))
    mixed = agreement(labels, ["a", "b", "a", "b", "a", None])
    assert mixed["neurons"] == 5
    assert mixed["adjusted_rand_index"] == pytest.approx(-0.25)
    assert 0 <= float(mixed["normalised_mutual_information"] or 0) < 0.1
    nobody = agreement(labels, [None] * 6)
    assert (nobody["classes"], nobody["adjusted_rand_index"]) == (0, None)
