"""The answer of the full analysis as a whole: JSON, the same every time, told as it is made."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from syndb_service.domain.graph.analysis_options import FullOptions, read_options
from syndb_service.graph import analyze
from syndb_service.graph.analyses import ANALYSES
from syndb_service.graph.analyze import stages_of
from syndb_service.graph.definitions import METRICS
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.paths.components import find_components
from syndb_service.graph.paths.path_lengths import reachability, shortest_paths
from tests.support.graph_shapes import SHAPES, Holder, heavy_tailed


def run(
    con: Any, dataset: dict[str, Any], options: dict[str, Any]
) -> tuple[str, list[tuple[str, float | None]]]:
    told: list[tuple[str, float | None]] = []
    answer, _ = analyze(
        con,
        dataset,
        read_options("full", options),
        lambda name, fraction: told.append((name, fraction)),
        threads=2,
    )
    return json.dumps(answer, allow_nan=False), told


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_every_answer_is_json_without_nan(
    name: str, hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    n, edges = SHAPES[name]
    con = hold(range(n), [(pre, post, 1 + pre % 4) for pre, post in edges])
    text, _ = run(con, dataset, options)
    answer = json.loads(text)
    assert answer["analysis"] == "full"
    assert answer["dataset"] == dataset
    assert answer["options"] == options
    assert sum(answer["triadic_census"].values()) == n * (n - 1) * (n - 2) // 6
    assert answer["synapse_count"] == sum(1 + pre % 4 for pre, _ in edges)
    assert set(answer["definitions"]) - {"graph", "agreement"} <= set(answer)


@pytest.mark.slow
def test_the_same_rows_in_another_order_give_the_same_bytes(
    hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    n, edges = SHAPES["heavy-tailed"]
    rows = [(pre, post, 1 + (pre + post) % 5) for pre, post in edges]
    one, _ = run(hold(range(n), rows), dataset, options)
    other, _ = run(hold(reversed(range(n)), rows[::-1]), dataset, options)
    assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("analysis", ["full", *ANALYSES])
def test_no_number_of_threads_changes_a_byte(
    analysis: str, hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    n, edges = SHAPES["medium"]
    con = hold(range(n), [(pre, post, 1 + (pre + post) % 5) for pre, post in edges])
    options |= {"source": "0", "target": "1", "by": "neurotransmitter", "samples": 3, "seed": 7}
    asked = read_options(analysis, options)
    texts = {
        json.dumps(analyze(con, dataset, asked, lambda *_: None, threads=threads)[0])
        for threads in (1, 2, 5, 5)
    }
    assert len(texts) == 1


@pytest.mark.slow
def test_progress_names_every_stage_and_never_falls(
    hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    n, edges = SHAPES["medium"]
    _, told = run(hold(range(n), [(*edge, 1) for edge in edges]), dataset, options)
    fractions = [fraction for _, fraction in told if fraction is not None]
    assert list(dict.fromkeys(name for name, _ in told)) == list(stages_of(FullOptions()))
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] <= 1


def test_self_connections_only(hold: Holder, dataset: dict[str, Any], options: dict[str, Any]) -> None:
    answer = json.loads(run(hold([1, 2], [(1, 1, 4), (2, 2, 1)]), dataset, options)[0])
    assert answer["dropped"]["self_connections"] == {"connections": 2, "synapses": 5}
    assert (answer["neuron_count"], answer["connection_count"]) == (2, 0)
    assert answer["density"] == 0
    assert answer["reciprocity"] is None
    assert answer["hubs"] == []
    assert answer["strongest_subnetwork"]["neurons"] == []


def test_sampled_paths_say_so_and_lie_within_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    n, edges = heavy_tailed(600, 5000, 3)
    graph = connectome_from_edges(n, edges)
    members = np.arange(n, dtype=np.int32)
    exact, exact_curve = shortest_paths(graph, members, 0), reachability(graph, 0)
    monkeypatch.setattr("syndb_service.graph.paths.path_lengths.EXACT_UP_TO", 100)
    sampled, again = shortest_paths(graph, members, 4), shortest_paths(graph, members, 4)
    curve = reachability(graph, 4)
    assert sampled == again
    assert not sampled["exact"]
    assert sampled["diameter_is_lower_bound"]
    assert sampled["diameter"] <= exact["diameter"]
    assert sampled["sources"] == 512
    error = abs(sampled["mean_shortest_path"] - exact["mean_shortest_path"])
    assert 0 < error < 4 * sampled["standard_error"]
    last = exact_curve["mean_fraction_reached"][-1]
    assert abs(curve["mean_fraction_reached"][-1] - last) < 4 * curve["standard_error"]


def test_what_is_unknown_is_null_in_the_answer(
    hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    con = hold([1, 2], [(1, 2, 3)])
    con.execute("UPDATE neurons SET name = NULL, cell_class = NULL")
    answer = json.loads(run(con, dataset, options)[0])
    for neuron in [*answer["hubs"], *answer["strongest_subnetwork"]["neurons"]]:
        assert (neuron["name"], neuron["cell_class"], neuron["neurotransmitter"]) == (None, None, None)


def test_of_components_of_one_size_the_smallest_id_decides() -> None:
    """A ring of four at 3 … 6, and four neurons that all reach each other at 0, 1, 2 and 7."""
    ring = [(3, 4), (4, 5), (5, 6), (6, 3)]
    everyone = list(itertools.permutations([0, 1, 2, 7], 2))
    strong = find_components(connectome_from_edges(8, [*ring, *everyone]), "strong")
    assert (strong.count, strong.members.tolist()) == (2, [0, 1, 2, 7])
    assert "smallest neuron id" in METRICS["strongly_connected_components"]


def test_reachability_stops_after_a_hundred_hops() -> None:
    line = connectome_from_edges(130, [(i, i + 1) for i in range(129)])
    curve = reachability(line, 0)
    assert curve["hops"] == list(range(101))
    assert not curve["complete"]


@pytest.mark.slow
def test_every_analysis_of_the_list_is_reachable_inside_full(
    hold: Holder, dataset: dict[str, Any], options: dict[str, Any]
) -> None:
    n, edges = SHAPES["medium"]
    con = hold(range(n), [(*edge, 1) for edge in edges])
    more = {"source": "0", "target": "1", "by": "neurotransmitter", "samples": 3}
    answer = json.loads(run(con, dataset, options | more)[0])
    for part in ANALYSES:
        own = [name for name in ANALYSES[part].definitions if name in answer]
        assert own, part
    alone, _ = analyze(
        con,
        dataset,
        read_options("motif_significance", options | {"samples": 3}),
        lambda name, fraction: None,
    )
    assert answer["motif_significance"] == alone["motif_significance"]
    fewer = json.loads(run(con, dataset, options)[0])
    assert not {"shortest_path", "compare", "motif_significance"} & fewer.keys()
