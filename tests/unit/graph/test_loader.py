"""What of a dataset is in the graph, what was dropped, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from syndb_service.domain.graph.memory_budget import GraphBudget
from syndb_service.domain.graph.selection import Selection
from syndb_service.errors import GraphTooLarge, UsageError
from syndb_service.graph import global_measures
from syndb_service.graph.errors import EmptyGraph, NumbersTooLarge, UnknownNeuron, UnknownValue
from syndb_service.graph.measures.communities import find_communities
from syndb_service.graph.measures.degrees import count_degrees
from syndb_service.graph.model.connectome import ConnectionTally
from syndb_service.graph.model.loader import load_connectome
from tests.support.graph_shapes import Holder

BEYOND_DOUBLES = 720_575_940_602_119_481
MIXED = [(5, 7, 4), (7, 5, 1), (5, 5, 9), (7, 99, 2), (98, 99, 3), (7, 9, 2)]


def test_all_neurons_are_nodes_in_the_order_of_their_ids(hold: Holder) -> None:
    connectome = load_connectome(hold([9, 5, 7], []), "d")
    assert connectome.neuron_ids.tolist() == [5, 7, 9]
    assert connectome.names.tolist() == ["N5", "N7", "N9"]
    assert connectome.connection_count == 0


def test_what_is_unknown_of_a_neuron_is_none(hold: Holder) -> None:
    con = hold([1, 2, 3], [])
    con.execute("UPDATE neurons SET name = '?', cell_class = '' WHERE neuron_id = 1")
    con.execute("UPDATE neurons SET name = NULL, cell_class = NULL WHERE neuron_id = 2")
    connectome = load_connectome(con, "d")
    assert connectome.names.tolist() == ["?", None, "N3"]
    assert connectome.cell_classes.tolist() == [None, None, "interneuron"]
    assert connectome.neurotransmitters.tolist() == [None, None, None]


def test_each_dropped_connection_is_counted_once(hold: Holder) -> None:
    connectome = load_connectome(hold([5, 7, 9], MIXED), "d", Selection(2))
    assert connectome.dropped.absent_neurons == ConnectionTally(2, 5)
    assert connectome.dropped.self_connections == ConnectionTally(1, 9)
    assert connectome.dropped.below_min_synapses == ConnectionTally(1, 1)
    assert list(zip(connectome.pre.tolist(), connectome.post.tolist(), strict=True)) == [(0, 1), (1, 2)]
    assert connectome.synapse_count.tolist() == [4, 2]


def test_other_datasets_are_not_read(hold: Holder) -> None:
    con = hold([1, 2], [])
    assert load_connectome(con, "d").connection_count == 0
    assert load_connectome(con, "none").neuron_count == 0


def test_ids_beyond_doubles_stay_exact(hold: Holder) -> None:
    ids = [BEYOND_DOUBLES, BEYOND_DOUBLES + 1, BEYOND_DOUBLES + 2]
    connectome = load_connectome(hold(ids, [(ids[0], ids[1], 1), (ids[2], ids[1], 1)]), "d")
    assert connectome.neuron_ids.tolist() == ids
    assert connectome.pre.tolist() == [0, 2]
    assert connectome.post.tolist() == [1, 1]


def test_order_of_the_rows_does_not_matter(hold: Holder) -> None:
    one, other = (load_connectome(hold([5, 7, 9], rows), "d") for rows in (MIXED, MIXED[::-1]))
    assert one.pre.tolist() == other.pre.tolist()
    assert one.post.tolist() == other.post.tolist()
    assert one.synapse_count.tolist() == other.synapse_count.tolist()


@pytest.mark.parametrize(("max_edges", "fits"), [(2, 5), (3, 3), (4, 3), (5, 2)])
def test_a_graph_too_large_says_what_would_fit(hold: Holder, max_edges: int, fits: int) -> None:
    chain = [(i, i + 1, size) for i, size in enumerate([5, 5, 4, 2, 2, 1])]
    con = hold(range(7), [*chain, (3, 3, 8), (3, 99, 8)])
    with pytest.raises(GraphTooLarge, match="would have 6 connections") as refused:
        load_connectome(con, "d", None, GraphBudget(max_edges))
    assert f"min_synapses = {fits} " in str(refused.value.hint)
    assert (
        0 < load_connectome(con, "d", Selection(fits), GraphBudget(max_edges)).connection_count <= max_edges
    )


def test_no_filter_is_named_that_would_leave_nothing(hold: Holder) -> None:
    with pytest.raises(GraphTooLarge) as refused:
        load_connectome(hold(range(3), [(0, 1, 5), (1, 2, 5)]), "d", None, GraphBudget(1))
    assert str(refused.value.hint).startswith(
        "no min_synapses would make it fit and leave a connection; narrow"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"neuron_ids": ["0", "1", "2"]},
        {"cell_class": {"pre": ["motor"], "post": ["interneuron"]}},
        {"brain_structure": {"pre": ["AL"], "post": None}},
        {
            "neuron_ids": ["0", "1", "2", "3"],
            "cell_class": {"pre": ["motor"], "post": None},
            "include": "both",
        },
        {"neurotransmitter": ["GABA"]},
        {"neurotransmitter": ["GABA"], "cell_class": {"post": ["motor"]}, "min_synapses": 2},
        {"neurotransmitter": ["GABA"], "include": "both", "min_synapses": 3},
        {"include": "gap_junctions", "brain_structure": {"post": ["MB"]}},
    ],
)
def test_room_is_asked_for_what_the_filters_leave(hold: Holder, options: dict[str, Any]) -> None:
    con = hold(range(9), [(i, j, 2) for i in range(9) for j in range(9) if i != j])
    con.execute("UPDATE neurons SET brain_structure = CASE WHEN neuron_id < 2 THEN 'AL' ELSE 'MB' END")
    con.execute("UPDATE neurons SET majority_neurotransmitter = 'GABA' WHERE neuron_id % 3 = 0")
    con.execute("UPDATE synapses SET neurotransmitter = 'GABA' WHERE post_neuron_id % 4 = 0")
    con.execute("INSERT INTO synapses VALUES ('d', 99, 0, 'GABA', NULL), ('d', 0, 0, 'GABA', NULL)")
    con.execute("INSERT INTO neuron_relations SELECT 'd', a, a + 1, 'gap_junction', 1 FROM range(8) t(a)")
    chosen = Selection.of(options)
    there = load_connectome(con, "d", chosen).connection_count
    assert load_connectome(con, "d", chosen, GraphBudget(there)).connection_count == there
    with pytest.raises(GraphTooLarge, match=f"would have {there} connections"):
        load_connectome(con, "d", chosen, GraphBudget(there - 1))


def test_a_graph_of_just_max_edges_is_read(hold: Holder) -> None:
    assert load_connectome(hold([5, 7, 9], MIXED), "d", Selection(2), GraphBudget(2)).connection_count == 2


def test_the_refusal_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(GraphTooLarge("too many", hint="fewer")))
    assert isinstance(error, UsageError)
    assert (error.message, error.hint, error.error_code) == ("too many", "fewer", "graph_too_large")


def filtered(hold: Holder, **filters: object) -> list[tuple[int, int, int]]:
    con = hold([5, 7, 9, 11], [(5, 7, 4), (7, 5, 1), (7, 9, 2), (9, 11, 3), (11, 7, 5)])
    con.execute("UPDATE neurons SET cell_class = 'sensory', brain_structure = 'head' WHERE neuron_id < 8")
    con.execute("UPDATE neurons SET majority_neurotransmitter = 'GABA' WHERE neuron_id = 7")
    con.execute("UPDATE synapses SET neurotransmitter = 'dopamine' WHERE pre_neuron_id = 9")
    con.execute(
        "UPDATE synapses SET neurotransmitter = 'dopamine' WHERE rowid = "
        "(SELECT min(rowid) FROM synapses WHERE pre_neuron_id = 5)"
    )
    graph = load_connectome(con, "d", Selection.of(filters))
    ids = graph.neuron_ids
    return [
        (int(ids[pre]), int(ids[post]), int(count))
        for pre, post, count in zip(graph.pre, graph.post, graph.synapse_count, strict=True)
    ]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"cell_class": {"pre": ["sensory"], "post": ["sensory"]}}, [(5, 7, 4), (7, 5, 1)]),
        ({"cell_class": {"pre": ["sensory"], "post": ["interneuron"]}}, [(7, 9, 2)]),
        ({"cell_class": {"pre": ["interneuron"], "post": None}}, [(9, 11, 3), (11, 7, 5)]),
        ({"brain_structure": {"pre": None, "post": ["head"]}}, [(5, 7, 4), (7, 5, 1), (11, 7, 5)]),
        ({"neurotransmitter": ["GABA"]}, [(7, 5, 1), (7, 9, 2)]),
        ({"neurotransmitter": ["dopamine"]}, [(5, 7, 1), (9, 11, 3)]),
        ({"neurotransmitter": ["dopamine"], "min_synapses": 2}, [(9, 11, 3)]),
        ({"neuron_ids": ["5", "7"]}, [(5, 7, 4), (7, 5, 1)]),
        ({"neuron_ids": ["7", "9", "11"], "min_synapses": 3}, [(9, 11, 3), (11, 7, 5)]),
    ],
)
def test_filters(hold: Holder, filters: dict[str, object], left: list[tuple[int, int, int]]) -> None:
    assert filtered(hold, **filters) == left


def test_what_the_filters_leave_out_is_counted(hold: Holder) -> None:
    con = hold([5, 7, 9], MIXED)
    graph = load_connectome(con, "d", Selection(2, neuron_ids=(5, 7)))
    assert graph.neuron_ids.tolist() == [5, 7]
    assert graph.dropped.outside_filters == ConnectionTally(1, 2)
    assert graph.dropped.below_min_synapses == ConnectionTally(1, 1)


def test_a_neuron_that_is_not_there(hold: Holder) -> None:
    with pytest.raises(UnknownNeuron, match="2 of them are not in the dataset, such as 6, 8"):
        load_connectome(hold([5, 7, 9], MIXED), "d", Selection(neuron_ids=(5, 6, 8)))


def test_filters_that_leave_nothing_say_what_they_left_out(hold: Holder) -> None:
    with pytest.raises(EmptyGraph, match=r"3 by the other filters, 1 by that they end") as refused:
        load_connectome(
            hold([4, 5, 7, 9], MIXED), "d", Selection.of({"cell_class": {"pre": ["motor"], "post": None}})
        )
    assert "cell_class" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("filters", "way_out"),
    [
        ({"brain_structure": {"pre": ["AL"]}}, "The filter goes by the neurons' brain_structure, and none"),
        ({"min_synapses": 99}, "Lower min_synapses; it is 99."),
        ({"cell_class": {"pre": ["sensory"]}}, "Relax them; SELECT DISTINCT cell_class"),
    ],
)
def test_what_to_change_is_the_filter_that_left_all_out(
    hold: Holder, filters: dict[str, object], way_out: str
) -> None:
    con = hold([5, 7], [(5, 7, 4)])
    con.execute("UPDATE neurons SET cell_class = CASE neuron_id WHEN 7 THEN 'sensory' ELSE 'motor' END")
    with pytest.raises(EmptyGraph) as refused:
        load_connectome(con, "d", Selection.of(filters))
    assert str(refused.value.hint).startswith(way_out)


@pytest.mark.parametrize(
    ("filters", "told", "way_out"),
    [
        ({"cell_class": {"pre": ["motor", "motr"]}}, "cell_class: no neuron", "Did you mean 'motor'?"),
        ({"cell_class": {"post": ["xyz"]}}, "cell_class: no neuron", "There are 'interneuron', 'motor'."),
        ({"neurotransmitter": ["ACh", "gaba"]}, "neurotransmitter: no synapse", "Did you mean 'GABA'?"),
        ({"neurotransmitter": ["glutamat"]}, "neurotransmitter: no synapse", "Did you mean 'glutamate'?"),
    ],
)
def test_a_value_that_nothing_has_is_refused_though_others_are_there(
    hold: Holder, filters: dict[str, object], told: str, way_out: str
) -> None:
    """A misspelt one of several would leave its connections out, silently."""
    con = hold([4, 5, 7], [(5, 7, 4)])
    con.execute("UPDATE neurons SET majority_neurotransmitter = 'ACh' WHERE neuron_id = 5")
    con.execute("UPDATE neurons SET majority_neurotransmitter = 'GABA' WHERE neuron_id = 7")
    con.execute("UPDATE synapses SET neurotransmitter = 'glutamate' WHERE dataset_id = 'd'")
    with pytest.raises(UnknownValue, match=told) as refused:
        load_connectome(con, "d", Selection.of(filters))
    assert refused.value.hint == way_out


def test_gap_junctions_count_once_each_way_however_they_are_listed(hold: Holder) -> None:
    con = hold([5, 7, 9], [(5, 7, 4)])
    con.execute(
        "INSERT INTO neuron_relations VALUES ('d', 5, 7, 'gap_junction', 2), ('d', 7, 5, 'gap_junction', 2), "
        "('d', 9, 7, 'gap_junction', NULL), ('d', 9, 9, 'gap_junction', 1), ('d', 5, 9, 'kin', 1)"
    )
    gaps = load_connectome(con, "d", Selection(include="gap_junctions"))
    assert list(zip(gaps.pre.tolist(), gaps.post.tolist(), gaps.synapse_count.tolist(), strict=True)) == [
        (0, 1, 2),
        (1, 0, 2),
        (1, 2, 1),
        (2, 1, 1),
    ]
    assert gaps.dropped.self_connections == ConnectionTally(1, 1)
    both = load_connectome(con, "d", Selection(include="both"))
    assert both.synapse_count.tolist() == [6, 2, 1, 1]


def test_a_graph_too_large_for_memory_says_what_it_needs(hold: Holder) -> None:
    con = hold(range(7), [(i, i + 1, 5 - i % 3) for i in range(6)])
    with pytest.raises(
        GraphTooLarge, match=r"would have 6 connections; the memory of a job \(0.2 GiB\) holds 2, it"
    ):
        load_connectome(con, "d", None, GraphBudget(memory_bytes=200 * 1024**2 + 7 * 1000 + 2 * 150))
    assert load_connectome(con, "d", None, GraphBudget(memory_bytes=2**30)).connection_count == 6


def electrical(con: Any, *rows: tuple[int, int, float | None]) -> Any:
    con.executemany("INSERT INTO neuron_relations VALUES ('d', ?, ?, 'gap_junction', ?)", rows)
    return con


@pytest.mark.parametrize("include", ["gap_junctions", "both"])
@pytest.mark.parametrize("weight", [4e18, 1e19, 1.8e308, float("inf"), float("nan"), 2.0**51 + 2])
def test_weights_whose_sums_would_be_wrong_are_refused(hold: Holder, include: Any, weight: float) -> None:
    """They came back negative, or ended in a traceback: datasets of before the bounds may hold such."""
    con = electrical(hold([1, 2, 3], [(1, 2, 1)]), (1, 2, weight), (2, 3, weight), (3, 2, weight))
    with pytest.raises(NumbersTooLarge, match="add up to more than 4,503,599,627,370,496") as refused:
        load_connectome(con, "d", Selection(include=include))
    assert "include = chemical" in str(refused.value.hint)
    assert load_connectome(con, "d").synapse_count.tolist() == [1]


def test_all_sums_of_the_largest_graph_are_exact(hold: Holder) -> None:
    """Twice the limit is in the figures: both directions of a gap junction, in and out."""
    half = 2**51 - 1
    con = electrical(hold([1, 2, 3], []), (1, 2, half - 1), (2, 3, 1))
    graph = load_connectome(con, "d", Selection(include="gap_junctions"))
    assert graph.synapse_total == 2 * half
    degrees = count_degrees(graph)
    assert degrees.in_strength.tolist() == [half - 1, half, 1]
    assert (degrees.in_strength + degrees.out_strength).tolist() == [2 * half - 2, 2 * half, 2]
    assert global_measures.profile(graph, degrees)["in_strength"]["mean"] == 2 * half / 3
    assert find_communities(graph, 1.0, 0).modularity is not None
    weak = load_connectome(con, "d", Selection(min_synapses=2, include="gap_junctions"))
    assert weak.dropped.below_min_synapses == ConnectionTally(2, 2)


def test_more_connections_than_are_numbered() -> None:
    with pytest.raises(GraphTooLarge, match="numbers 2,147,483,647 of them at most"):
        GraphBudget(memory_bytes=2**50).require(10, [(1, 2**31)], 1)
