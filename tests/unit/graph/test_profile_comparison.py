"""Profiles side by side: of two datasets, of the parts of one."""

from __future__ import annotations

from typing import Any

import pytest

from syndb_service.domain.graph.analysis_options import read_options
from syndb_service.errors import GraphTooLarge
from syndb_service.graph import analyze
from tests.support.graph_shapes import SHAPES, Holder

pytestmark = pytest.mark.slow


@pytest.fixture
def compared(hold: Holder, dataset: dict[str, Any], options: dict[str, Any]) -> Any:
    def made(**more: Any) -> dict[str, Any]:
        n, edges = SHAPES["medium"]
        con = hold(range(n), [(*edge, 1 + edge[0] % 3) for edge in edges])
        con.execute(
            "UPDATE synapses SET neurotransmitter = CASE pre_neuron_id % 2 WHEN 0 THEN 'GABA' ELSE 'ACh' END"
        )
        con.execute("UPDATE synapses SET neurotransmitter = NULL WHERE pre_neuron_id = 3")
        con.execute(
            "INSERT INTO neurons SELECT 'twin', * EXCLUDE (dataset_id) FROM neurons WHERE dataset_id = 'd'"
        )
        con.execute(
            "INSERT INTO synapses SELECT 'twin', * EXCLUDE (dataset_id) FROM synapses WHERE dataset_id = 'd'"
        )
        asked = read_options("compare", options | more)
        answer, _ = analyze(con, dataset, asked, lambda name, fraction: None, threads=2)
        found: dict[str, Any] = answer["compare"]
        return found

    return made


def test_a_dataset_and_its_twin_are_alike(compared: Any) -> None:
    found = compared(other_dataset_id="twin")
    assert [part["name"] for part in found["parts"]] == ["d", "twin"]
    assert found["motif_similarity"] == [[pytest.approx(1.0)] * 2] * 2
    assert found["degree_distance"] == [[0.0, 0.0], [0.0, 0.0]]
    assert sum(found["parts"][0]["motif_shares"].values()) == pytest.approx(1)


def test_another_dataset_is_another_profile(compared: Any) -> None:
    found = compared(other_dataset_id="other")
    assert found["parts"][1]["connection_count"] == 0
    assert found["motif_similarity"][0][1] is None
    assert found["degree_distance"][0][1] == 1


def test_parts_by_neurotransmitter(compared: Any) -> None:
    found = compared(by="neurotransmitter")
    assert {part["name"] for part in found["parts"]} == {"GABA", "ACh"}
    of_three = sum(pre == 3 for pre, _ in SHAPES["medium"][1])
    assert found["left_out"]["connections"] == of_three
    assert sum(part["connection_count"] for part in found["parts"]) == len(SHAPES["medium"][1]) - of_three


def test_the_filters_hold_for_the_parts_too(compared: Any) -> None:
    edges = SHAPES["medium"][1]
    ends = {"pre": ["motor"], "post": ["interneuron"]}
    found = compared(by="neurotransmitter", cell_class=ends)
    between = [(pre, post) for pre, post in edges if not pre % 2 and post % 2]
    assert [(part["name"], part["connection_count"]) for part in found["parts"]] == [("GABA", len(between))]
    released = compared(by="neurotransmitter", neurotransmitter=["ACh"])
    assert [part["name"] for part in released["parts"]] == ["ACh"]


def test_each_dataset_says_what_was_dropped(compared: Any) -> None:
    parts = compared(other_dataset_id="other")["parts"]
    absent = [part["dropped"]["absent_neurons"] for part in parts]
    assert absent == [{"connections": 0, "synapses": 0}, {"connections": 2, "synapses": 100}]


def test_the_other_dataset_needs_room_too(compared: Any) -> None:
    edges = len(SHAPES["medium"][1])
    with pytest.raises(GraphTooLarge, match=f"would have {edges} connections"):
        compared(other_dataset_id="twin", max_edges=edges - 1)
