"""Faults that show when tables are compared: references, names that serve as ids, edges."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any

NEURONS = "neuron_id,name\n1,A\n2,B\n"


def test_synapses_whose_neurons_do_not_exist(desk: Desk) -> None:
    synapses = "pre_neuron_id,post_neuron_id\n1,2\n9,2\n1,10\n"
    assert desk.refusal({"neurons.csv": NEURONS, "synapses.csv": synapses}) == [
        "synapses.csv, row 3, column pre_neuron_id: '9' is no neuron of neurons.csv",
        "synapses.csv, row 4, column post_neuron_id: '10' is no neuron of neurons.csv",
    ]


def test_synapses_that_name_neurons_which_do_not_exist(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": NEURONS, "synapses.csv": "pre,post\nA,B\nA,C\n"}) == [
        "synapses.csv, row 3, column post: 'C' is no neuron of neurons.csv"
    ]


def test_duplicate_synapse_ids(desk: Desk) -> None:
    synapses = "synapse_id,pre_neuron_id,post_neuron_id\n5,1,2\n6,1,2\n5,2,1\n"
    assert desk.refusal({"neurons.csv": NEURONS, "synapses.csv": synapses}) == [
        "synapses.csv, row 4, column synapse_id: '5' is already in row 2"
    ]


@pytest.mark.parametrize("neurons", ["name\nA\nB\nA\n", "neuron_id\nA\nB\nA\n"])
def test_duplicate_names_where_names_are_ids(desk: Desk, neurons: str) -> None:
    column = neurons.partition("\n")[0]
    assert desk.refusal({"neurons.csv": neurons}) == [
        f"neurons.csv, row 4, column {column}: 'A' is already in row 2"
    ]


def test_duplicate_names_where_an_edge_list_uses_them(desk: Desk) -> None:
    files = {"neurons.csv": "neuron_id,name\n1,A\n2,B\n3,A\n", "edges.csv": "pre,post\nA,B\n"}
    assert desk.refusal(files) == ["neurons.csv, row 4, column name: 'A' is already in row 2"]


def test_names_may_repeat_where_ids_are_used(desk: Desk) -> None:
    desk.add({"neurons.csv": "neuron_id,name\n1,A\n2,A\n", "edges.csv": "pre,post\n1,2\n"})
    assert desk.rows("SELECT neuron_id, name FROM neurons ORDER BY 1") == [(1, "A"), (2, "A")]


def test_a_name_that_is_missing_where_names_are_ids(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "name,cell_class\nA,x\n,y\n"}) == [
        "neurons.csv, row 3, column name: is empty"
    ]


def test_duplicate_edges_name_both_rows(desk: Desk) -> None:
    edges = "pre,post,kind,synapses\nA,B,chemical,1\nB,A,chemical,1\nA,B,electrical,1\nA,B,chemical,2\n"
    assert desk.refusal({"connections.csv": edges}) == [
        "connections.csv, row 5: the edge from A to B (chemical) is already in row 2; "
        "make one row of them, with their counts added up"
    ]


@pytest.mark.slow
def test_edges_may_repeat_in_another_brain_structure(desk: Desk) -> None:
    desk.add({"connections.csv": "pre,post,neuropil,syn_count\n1,2,LH,3\n1,2,MB,4\n"})
    assert desk.rows("SELECT brain_structure, count(*) FROM synapses GROUP BY 1 ORDER BY 1") == [
        ("LH", 3),
        ("MB", 4),
    ]


@pytest.mark.parametrize(
    ("count", "finding"),
    [
        ("0", "0 is no count: it must be above 0"),
        ("-3", "-3 is no count: it must be above 0"),
        ("2.5", "2.5 is no whole number of synapses"),
        ("", "is empty"),
        ("many", "'many' is not a number"),
        ("1e12", "1e12 is more than 1,000,000 synapses"),
    ],
)
def test_synapse_counts_that_are_none(desk: Desk, count: str, finding: str) -> None:
    assert desk.refusal({"connections.csv": f"pre,post,weight\n1,2,1\n2,1,{count}\n"}) == [
        f"connections.csv, row 3, column weight: {finding}"
    ]


def test_a_kind_of_edge_that_is_not_known(desk: Desk) -> None:
    assert desk.refusal({"connections.csv": "pre,post,kind\nA,B,chemical\nB,A,magical\nB,B,\n"}) == [
        "connections.csv, row 3, column kind: 'magical' is neither chemical nor electrical",
        "connections.csv, row 4, column kind: is empty",
    ]


def test_gap_junctions_may_have_a_weight_that_is_no_whole_number(desk: Desk) -> None:
    desk.add(
        {"connections.csv": "pre,post,kind,weight\nA,B,electrical,0.5\nB,A,gap junction,2\nA,B,chemical,1\n"}
    )
    assert desk.rows(
        "SELECT pre_neuron_id, post_neuron_id, relation, weight FROM neuron_relations ORDER BY 1"
    ) == [
        (1, 2, "gap_junction", 0.5),
        (2, 1, "gap_junction", 2.0),
    ]


def test_parts_refer_to_their_neuron_and_to_larger_parts(desk: Desk) -> None:
    files = {
        "neurons.csv": NEURONS,
        "dendrites.csv": "dendrite_id,neuron_id\n1,1\n2,3\n",
        "dendritic_spines.csv": "dendritic_spine_id,neuron_id,dendrite_id\n1,1,1\n2,1,7\n3,1,\n",
    }
    assert desk.refusal(files) == [
        "dendrites.csv, row 3, column neuron_id: '3' is no neuron of neurons.csv",
        "dendritic_spines.csv, row 3, column dendrite_id: '7' is not in dendrites.csv",
    ]


def test_duplicate_relations(desk: Desk) -> None:
    relations = "pre,post,relation\n1,2,gap_junction\n1,2,gap_junction\n"
    assert desk.refusal({"neurons.csv": NEURONS, "neuron_relations.csv": relations}) == [
        "neuron_relations.csv, row 3: the edge from 1 to 2 (gap_junction) is already in row 2; "
        "make one row of them, with their counts added up"
    ]


def test_unknown_neurons_are_not_searched_in_a_table_that_is_broken(desk: Desk) -> None:
    files = {"neurons.csv": "neuron_id,name\n1,A\n2\n", "synapses.csv": "pre,post\n1,2\n"}
    assert desk.refusal(files) == [
        "neurons.csv, row 3: has 1 field where the header has 2, separated by commas"
    ]


def test_several_faults_are_told_at_once(desk: Desk) -> None:
    files = {
        "neurons.csv": "neuron_id,name\n1,A\n2,B\n",
        "synapses.csv": "synapse_id,pre,post,x\n1,1,2,1\n1,1,2,wide\n2,1,5,3\n",
    }
    assert desk.refusal(files) == [
        "synapses.csv, row 3, column x: 'wide' is not a number",
        "synapses.csv, row 3, column synapse_id: '1' is already in row 2",
        "synapses.csv, row 4, column post: '5' is no neuron of neurons.csv",
    ]


MOST = "4,503,599,627,370,496, the most that is added up exactly"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "kind", "told"),
    [
        ("1000001", "chemical", "1000001 is more than 1,000,000 synapses"),
        ("1e+06", "chemical", None),
        (" 1.0000010E+6 ", "chemical", "1.0000010E+6 is more than 1,000,000 synapses"),
        ("1e19", "electrical", f"1e19 is more than {MOST}"),
        ("4000000000000000000", "electrical", f"4000000000000000000 is more than {MOST}"),
        ("1e308", "electrical", f"1e308 is more than {MOST}"),
        ("-0.0005", "electrical", "-0.0005 is no count: it must be above 0"),
    ],
)
def test_a_number_beyond_its_bounds_is_told_as_it_is_written(
    desk: Desk, count: str, kind: str, told: str | None
) -> None:
    files = {"connections.csv": f"pre,post,weight,type\nA,B,1,chemical\nB,A,{count},{kind}\n"}
    if told is None:
        assert desk.add(files).tables["synapses"].rows == 1_000_001
    else:
        assert desk.refusal(files) == [f"connections.csv, row 3, column weight: {told}"]


def test_weights_that_are_too_much_together(desk: Desk) -> None:
    rows = "".join(f"A,B{i},3e15,electrical\n" for i in range(3))
    assert desk.refusal({"connections.csv": f"pre,post,weight,type\n{rows}"}) == [
        "connections.csv, column weight: these weights of gap junctions add up to 9000000000000000, "
        f"more than {MOST}"
    ]


def test_synapses_that_are_too_many_together(desk: Desk) -> None:
    rows = "".join(f"A,B{i},1000000\n" for i in range(10_001))
    assert desk.refusal({"connections.csv": f"pre,post,weight\n{rows}"}) == [
        "connections.csv, column weight: these add up to 10001000000 synapses; at most 10,000,000,000 are "
        "taken from an edge list"
    ]


@pytest.mark.parametrize("weight", ["1e19", "5e15"])
def test_weights_of_neuron_relations_beyond_their_bounds(desk: Desk, weight: str) -> None:
    relations = f"pre,post,relation,weight\n1,2,gap_junction,2\n2,1,gap_junction,{weight}\n"
    assert desk.refusal({"neurons.csv": "neuron_id\n1\n2\n", "neuron_relations.csv": relations}) == [
        f"neuron_relations.csv, row 3, column weight: {weight} is more than {MOST}"
    ]


def test_the_largest_weights_that_are_taken_add_up_exactly(desk: Desk) -> None:
    rows = "A,B,4503599627370495,electrical\nB,C,1,electrical\n"
    dataset = desk.add({"connections.csv": f"pre,post,weight,type\n{rows}"})
    assert dataset.connection_sizes["gap_junctions"] == [(4503599627370495, 2), (1, 2)]
