"""Rewired graphs keep what they have to keep, and are drawn evenly from all graphs that do."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.degrees import count_degrees, reciprocity
from syndb_service.graph.measures.triad_census import triadic_census
from syndb_service.graph.measures.triangles import enumerate_triangles
from syndb_service.graph.model.connectome import MUTUAL, Connectome, Counts, connectome_from_edges
from syndb_service.graph.null_models import rewiring
from syndb_service.graph.null_models.motif_significance import motif_significance
from syndb_service.graph.null_models.rewiring import rewire
from syndb_service.graph.null_models.rich_club import rich_club
from tests.support.graph_shapes import SHAPES, Shape, heavy_tailed, shapes


def mutual_partners(graph: Connectome) -> Counts:
    neuron = np.repeat(np.arange(graph.neuron_count), graph.dyads.partners)
    return np.bincount(neuron[graph.dyads.kind == MUTUAL], minlength=graph.neuron_count)


def check_kept(graph: Connectome, drawn: Connectome, keep_reciprocity: bool) -> None:
    edges = list(zip(drawn.pre.tolist(), drawn.post.tolist(), strict=True))
    assert len(set(edges)) == graph.connection_count
    assert all(pre != post for pre, post in edges)
    before, after = count_degrees(graph), count_degrees(drawn)
    assert after.in_degree.tolist() == before.in_degree.tolist()
    assert after.out_degree.tolist() == before.out_degree.tolist()
    if keep_reciprocity:
        assert mutual_partners(drawn).tolist() == mutual_partners(graph).tolist()


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(shapes(), st.booleans(), st.booleans(), st.integers(0, 2**40))
def test_degrees_are_kept(shape: Shape, keep_reciprocity: bool, large: bool, seed: int) -> None:
    graph = connectome_from_edges(*shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewiring, "LARGE", 0 if large else 10**9)
        patch.setattr(rewiring, "SPARSE", 2.0)
        drawn = rewire(graph, (seed, 0), keep_reciprocity=keep_reciprocity)
    check_kept(graph, drawn, keep_reciprocity)


@pytest.mark.slow
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("keep_reciprocity", [False, True])
def test_every_graph_of_these_degrees_is_drawn_as_often(
    monkeypatch: pytest.MonkeyPatch, keep_reciprocity: bool, large: bool
) -> None:
    """All graphs of five neurons are listed; the draws are compared with even shares (chi-squared).

    Where pairs are kept, switches don't lead to every graph of so few neurons, but to each as often.
    """
    monkeypatch.setattr(rewiring, "LARGE", 0 if large else 10**9)
    monkeypatch.setattr(rewiring, "SPARSE", 2.0)
    graph = connectome_from_edges(5, [(0, 1), (1, 0), (1, 2), (2, 3), (3, 4), (4, 0), (0, 3)])
    wanted = count_degrees(graph)
    possible = set()
    for edges in itertools.combinations(itertools.permutations(range(5), 2), graph.connection_count):
        pre, post = (np.bincount(ends, minlength=5) for ends in zip(*edges, strict=True))
        if (pre == wanted.out_degree).all() and (post == wanted.in_degree).all():
            pairs = [(a, b) for a, b in edges if (b, a) in edges]
            mutual = np.bincount([a for a, _ in pairs], minlength=5)
            if not keep_reciprocity or (mutual == mutual_partners(graph)).all():
                possible.add(frozenset(edges))
    draws = 2_000
    seen: Counter[Any] = Counter()
    for sample in range(draws):
        drawn = rewire(graph, (5, sample), keep_reciprocity=keep_reciprocity)
        seen[frozenset(zip(drawn.pre.tolist(), drawn.post.tolist(), strict=True))] += 1
    assert set(seen) <= possible if keep_reciprocity else set(seen) == possible
    possible = set(seen)
    even = draws / len(possible)
    statistic = sum((seen[each] - even) ** 2 / even for each in possible)
    freedom = len(possible) - 1
    assert statistic < freedom + 5 * (2 * freedom) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("large", [False, True])
def test_what_was_drawn_is_no_more_random_when_it_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    """One-way connections have to reach the places where mutual pairs lay, in the dense middle of a graph."""
    monkeypatch.setattr(rewiring, "LARGE", 0 if large else 10**9)
    n, edges = heavy_tailed(300, 1_000, 3) if large else heavy_tailed(60, 700, 3)
    graph = connectome_from_edges(n, sorted({*edges, *((b, a) for a, b in edges[::2])}))
    samples, names = 150, ("030T", "030C", "021D", "120C", "210")
    counts: dict[int, list[list[int]]] = {1: [], 4: []}
    for sample in range(samples):
        drawn = graph
        for time in range(1, 5):
            drawn = rewire(drawn, (time, sample), keep_reciprocity=True)
            if time in counts:
                census = triadic_census(drawn, enumerate_triangles(drawn, by_neuron=False))
                counts[time].append([census[name] for name in names])
    once, again = np.array(counts[1]), np.array(counts[4])
    error = np.hypot(once.std(axis=0, ddof=1), again.std(axis=0, ddof=1)) / samples**0.5
    assert (abs(once.mean(axis=0) - again.mean(axis=0)) < 4 * error).all()


def test_a_ring_of_three_can_be_turned_round() -> None:
    ring = connectome_from_edges(3, [(0, 1), (1, 2), (2, 0)])
    drawn = {tuple(rewire(ring, (0, sample), keep_reciprocity=False).post.tolist()) for sample in range(20)}
    assert drawn == {(1, 2, 0), (2, 0, 1)}


@pytest.mark.slow
def test_ratios_are_those_of_an_independent_implementation() -> None:
    """NetworkX's own switching of connections, on a graph with more triangles than its degrees imply."""
    n, edges = heavy_tailed(40, 160, 8)
    samples, names = 60, ("021D", "021C", "111U", "030T", "120C")
    found = motif_significance(connectome_from_edges(n, edges), samples, 1, keep_reciprocity=False)["motifs"]
    theirs: dict[str, list[int]] = {name: [] for name in names}
    for seed in range(samples):
        graph = nx.DiGraph(edges)
        graph.add_nodes_from(range(n))
        nx.directed_edge_swap(graph, nswap=3 * len(edges), max_tries=10**6, seed=seed)
        census = nx.triadic_census(graph)
        for name in names:
            theirs[name].append(census[name])
    for name in names:
        error = np.hypot(found[name]["standard_deviation"], np.std(theirs[name], ddof=1)) / samples**0.5
        assert abs(found[name]["mean"] - np.mean(theirs[name])) < 4.5 * error, name


def test_significance_is_the_same_with_any_number_of_threads() -> None:
    graph = connectome_from_edges(*SHAPES["heavy-tailed"])
    told: list[float] = []
    one = motif_significance(graph, 12, 3, keep_reciprocity=True)
    assert (
        motif_significance(graph, 12, 3, keep_reciprocity=True, thread_pool=ThreadPool(3, told.append)) == one
    )
    assert motif_significance(graph, 12, 4, keep_reciprocity=True) != one
    assert told == sorted(told)
    assert len(told) == 12


def test_figures_of_a_motif() -> None:
    graph = connectome_from_edges(*SHAPES["heavy-tailed"])
    motif = motif_significance(graph, 30, 0, keep_reciprocity=False)["motifs"]["300"]
    assert motif["ratio"] == pytest.approx(motif["count"] / motif["mean"])
    assert motif["z_score"] == pytest.approx((motif["count"] - motif["mean"]) / motif["standard_deviation"])
    assert 2 / 31 <= motif["p_value"] <= 1


def test_one_sample_has_no_deviation() -> None:
    motifs = motif_significance(connectome_from_edges(*SHAPES["medium"]), 1, 0, keep_reciprocity=False)[
        "motifs"
    ]
    assert {motif["standard_deviation"] for motif in motifs.values()} == {None}
    assert {motif["z_score"] for motif in motifs.values()} == {None}


def test_the_rich_club_is_networkxs_and_normalised_to_one_where_nothing_is_special() -> None:
    n, edges = heavy_tailed(60, 500, 2)
    graph = connectome_from_edges(
        n, [pair for a, b in edges for pair in ((a, b), (b, a)) if a < b or (b, a) not in edges]
    )
    club = rich_club(graph, count_degrees(graph), 4, 0)
    theirs = nx.rich_club_coefficient(nx.Graph(edges), normalized=False)
    ours = dict(zip(club["degree"], club["coefficient"], strict=True))
    assert {degree // 2: ours[degree] for degree in ours} == {
        degree // 2: pytest.approx(theirs[degree // 2]) for degree in ours
    }
    assert club["normalised"][0] == 1
    assert reciprocity(graph) == 1


@pytest.mark.parametrize("name", SHAPES)
def test_rich_clubs_of_all_shapes(name: str) -> None:
    graph = connectome_from_edges(*SHAPES[name])
    club = rich_club(graph, count_degrees(graph), 2, 0)
    assert (
        len({len(club[key]) for key in ("degree", "neurons", "connections", "coefficient", "normalised")})
        == 1
    )
    assert club["connections"] == sorted(club["connections"], reverse=True)
