"""The scores of the whole graph beside what a view counts itself: named apart, exact, never in the way."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from syndb_lab.errors import ParameterError, ResultExpired, ResultUnsuitable
from syndb_lab.notebook.explorer.explorer import Explorer
from syndb_lab.subnetwork.model import SCORES, SHOWN, WHOLE, Counts, Subnetwork
from syndb_lab.subnetwork.neuron_scores import MORE, with_table

BIG = 720575940600000001
TABLE = pa.table(
    {
        "neuron_id": [BIG + 5, BIG + 1, BIG, BIG + 2],
        "name": ["E", "B", "A", "C"],
        "degree": [1, 7, 9, 3],
        "pagerank": [0.1, 0.2, 0.4, None],
        "clustering": [0.5, float("nan"), 0.25, -0.5],
        "community": [0, 12, 2, 2],
        "reachability": pa.array([None] * 4, pa.float64()),
        "kind": ["x", "y", None, "y"],
    }
)


def view_of(**more: Any) -> Subnetwork:
    """Three neurons that count their degree in the whole graph, and their PageRank among themselves."""
    columns = {
        "degree": [9, 7, 3],
        "pagerank": [0.5, 0.3, 0.2],
        "name": ["A", "B", "C"],
        "soma_x": [-5.0, 0.0, None],
    }
    origins = {"degree": WHOLE, "pagerank": SHOWN}
    ids = [BIG, BIG + 1, BIG + 2]
    return Subnetwork(ids, columns, [], 1, Counts(4, 4, 2, 4, 0), **{"origins": origins, **more})


def none() -> pa.Table:
    raise ResultUnsuitable("the result has no part 'neurons'")


def lost() -> pa.Table:
    raise ResultExpired("the result was destroyed", hint="Run it again.")


def test_every_score_is_there_of_the_right_neuron_and_says_of_which_graph_it_is() -> None:
    part = with_table(view_of(), lambda: TABLE)
    assert part.columns == view_of().columns | {
        "pagerank_whole": [0.4, 0.2, None],
        "clustering": pytest.approx([0.25, float("nan"), -0.5], nan_ok=True),
        "community": [2, 12, 2],
        "kind": [None, "y", "y"],
    }
    assert part.notes == []
    view = Explorer(part)
    told = view._look.part
    assert [(name, group) for name, _, group in told["sizes"]] == [
        ("degree", WHOLE),
        ("pagerank_whole", WHOLE),
        ("clustering", WHOLE),
        ("community", WHOLE),
        ("pagerank", SHOWN),
        ("soma_x", "of the dataset"),
    ]
    offered = {name: text for name, text, _ in told["sizes"]}
    assert offered["pagerank_whole"] == "PageRank, whole graph"
    assert offered["pagerank"] == "PageRank, this view"
    assert offered["soma_x"] == "soma x"
    assert told["columns"]["pagerank"]["title"] == "PageRank in this view"
    assert told["more"] == ""
    view.size, view.color = "pagerank_whole", "community"
    assert "sized by PageRank in the whole graph" in view._bundle()["text/html"]
    assert view.size in view.scores


def test_sizes_follow_the_table_and_what_is_missing_is_smallest_and_unknown() -> None:
    columns = Explorer(with_table(view_of(), lambda: TABLE))._look.part["columns"]
    assert columns["pagerank_whole"]["radius"] == [1.0, 0.813, 0.36]
    assert columns["pagerank_whole"]["texts"] == ["0.4", "0.2", None]
    assert columns["clustering"]["radius"] == [1.0, 0.36, 0.36]
    assert columns["clustering"]["texts"] == ["0.25", None, "-0.5"]
    assert columns["soma_x"]["radius"] == [0.36, 1.0, 0.36]
    assert columns["kind"]["radius"] is None


def test_communities_are_names_in_colours_and_numbers_in_sizes() -> None:
    part = with_table(view_of(), lambda: TABLE)
    told = Explorer(part)._look.part["columns"]["community"]
    assert [label for label, _, _ in told["paint"]["labels"]] == ["community 12", "community 2"]
    assert told["radius"] == [0.621, 1.0, 0.621]


def test_degrees_of_another_graph_stay_beside_those_of_the_whole_one() -> None:
    thinned = "from 5 synapses on"
    part = with_table(view_of(origins=dict.fromkeys(SCORES, thinned) | {"pagerank": SHOWN}), lambda: TABLE)
    columns = Explorer(part)._look.part["columns"]
    assert columns["degree"]["title"] == "degree from 5 synapses on"
    assert columns["degree_whole"]["title"] == "degree in the whole graph"


def test_neurons_that_the_table_does_not_know_are_told() -> None:
    part = with_table(view_of(), lambda: TABLE.slice(0, 2))
    assert part.columns["pagerank_whole"] == [None, 0.2, None]
    assert part.notes == ["2 of these neurons are not in the job's table: the dataset has changed since"]


def test_without_a_table_the_view_says_how_to_have_one() -> None:
    view = Explorer(with_table(view_of(), none))
    assert view._look.part["more"] == MORE
    assert "PageRank, whole graph" not in [text for _, text, _ in view._look.part["sizes"]]
    with pytest.raises(ParameterError, match="submit with node_table=True"):
        view.size = "community"


def unreadable() -> pa.Table:
    return pa.ipc.open_file(b"no Arrow file").read_all()


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lost, "the result was destroyed"),
        (unreadable, "File is too small"),
        (lambda: pa.table({"id": [1]}), "neuron_id"),
    ],
)
def test_a_table_that_is_gone_or_damaged_costs_its_scores_and_not_the_view(read: Any, said: str) -> None:
    part = with_table(view_of(), read)
    assert part.columns == view_of().columns
    assert said in part.notes[0]
    assert Explorer(part)._bundle()["text/html"]
