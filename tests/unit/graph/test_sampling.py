"""What is measured on a sample has an error that covers the neurons that were not drawn."""

from __future__ import annotations

import numpy as np
import pytest

from syndb_service.graph.model.connectome import Connectome, connectome_from_edges
from syndb_service.graph.paths.path_lengths import EXACT_UP_TO, reachability, shortest_paths
from syndb_service.graph.paths.sampling_error import intervals, standard_error

N = 2 * EXACT_UP_TO


def star() -> Connectome:
    """One neuron reaches all others; no other one reaches any."""
    return connectome_from_edges(N, [(0, i) for i in range(1, N)])


def rare_senders() -> Connectome:
    """Forty neurons of ten thousand reach everybody else at the second hop, the others nobody."""
    first = [(i, 40) for i in range(40)]
    return connectome_from_edges(N, [*first, *((40, i) for i in range(41, N))])


def both_ways() -> Connectome:
    """A star whose connections are all returned: a leaf is two hops from the others, the hub one."""
    return connectome_from_edges(N, [edge for i in range(1, N) for edge in ((0, i), (i, 0))])


@pytest.mark.parametrize(
    ("graph", "truth"),
    [(star(), 1 / N), (rare_senders(), (40 * (N - 40) + (N - 41)) / (N * (N - 1)))],
    ids=["star", "rare senders"],
)
def test_reachability_of_what_a_sample_may_miss(graph: Connectome, truth: float) -> None:
    missed = 0
    for seed in range(6):
        curve = reachability(graph, seed)
        assert (curve["exact"], curve["complete"], curve["sources"]) == (False, False, 512)
        assert curve["standard_error"] > 0
        estimate = curve["mean_fraction_reached"][-1]
        assert abs(estimate - truth) < 3 * curve["standard_error"]
        low, high = curve["interval"]["low"], curve["interval"]["high"]
        assert len(low) == len(high) == len(curve["hops"])
        assert low[-1] <= estimate <= high[-1]
        missed += not low[-1] <= truth <= high[-1]
    assert missed <= 1


def test_a_sampled_mean_path_of_equal_values_has_an_error() -> None:
    graph = both_ways()
    truth = (2 * (N - 1) + (N - 1) * (N - 2) * 2) / (N * (N - 1))
    for seed in range(3):
        found = shortest_paths(graph, np.arange(N, dtype=np.int32), seed)
        assert not found["exact"]
        assert 0 < abs(found["mean_shortest_path"] - truth) < 3 * found["standard_error"] < 0.1


def test_what_is_exact_has_no_error() -> None:
    curve = reachability(connectome_from_edges(3, [(0, 1), (1, 2)]), 0)
    assert (curve["exact"], curve["complete"], curve["standard_error"]) == (True, True, 0.0)
    assert curve["interval"] is None


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.3, 0.5, 0.99, 1.0])
def test_intervals_hold_the_truth_about_as_often_as_they_say(share: float) -> None:
    """Drawn without replacement from ones and zeros, the widest that values from 0 to 1 spread."""
    generator = np.random.default_rng(7)
    population = (np.arange(N) < share * N).astype(float)
    covered = near = 0
    for _ in range(400):
        drawn = generator.choice(population, 512, replace=False)
        found = intervals([float(drawn.mean())], 512, N)
        covered += found["low"][0] <= share <= found["high"][0]
        near += abs(drawn.mean() - share) <= 2.5 * standard_error(drawn, N, (0.0, 1.0))
    assert covered >= 0.93 * 400
    assert near >= 0.95 * 400
