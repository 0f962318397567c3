"""What a graph job may ask for, and what is said to one that asks for something else."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from syndb_service.api.schemas.graph_request import GraphBody

DATASET = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"


def options(**body: Any) -> dict[str, Any]:
    return dict(GraphBody.model_validate({"dataset_id": DATASET, **body}).request().options)


def test_what_is_not_asked_for_is_left_out() -> None:
    assert options() == {"min_synapses": 1, "max_edges": None, "top_hubs": 10, "seed": 0}


def test_filters_take_one_or_several_names_at_one_end_or_both() -> None:
    asked = options(cell_class="sensory", brain_structure={"post": ["AL", "MB"]}, neurotransmitter="GABA")
    assert asked["cell_class"] == {"pre": ["sensory"], "post": ["sensory"]}
    assert asked["brain_structure"] == {"pre": None, "post": ["AL", "MB"]}
    assert asked["neurotransmitter"] == ["GABA"]


def test_ids_are_exact_whether_numbers_or_texts() -> None:
    asked = options(neuron_ids=["720575940602119481", 7, "7"])
    assert asked["neuron_ids"] == ["7", "720575940602119481"]
    assert options(analysis="shortest_path", source=7, target="AVAL")["source"] == 7
    large = options(analysis="shortest_path", source=720575940602119481, target="7")
    assert (large["source"], large["target"]) == ("720575940602119481", "7")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"analysis": "motif_significance", "samples": 0}, "greater than or equal to 1"),
        ({"analysis": "motif_significance", "samples": 20_000}, "less than or equal to 10000"),
        ({"seed": 1.5}, "valid integer"),
        ({"seed": "7"}, "valid integer"),
        ({"seed": -1}, "greater than or equal to 0"),
        (
            {"analysis": "hubs", "samples": 3},
            "samples is no option of hubs, but of full, rich_club, motif_sig",
        ),
        ({"analysis": "shortest_path", "source": "AVAL"}, "needs source and target"),
        ({"analysis": "compare"}, "needs other_dataset_id, or by"),
        ({"analysis": "compare", "by": "neurotransmitter", "other_dataset_id": DATASET}, "one of the two"),
        (
            {"analysis": "communities", "column": "colour"},
            "no column 'colour' of text; it has name, cell_class",
        ),
        (
            {"analysis": "communities", "column": "cell_clas"},
            "no column 'cell_clas' of text; did you mean cell_class?",
        ),
        ({"analysis": "reachability", "max_hops": 101}, "less than or equal to 100"),
        ({"analysis": "centrality"}, "'full', 'metrics', 'motifs'"),
        ({"include": "electrical"}, "'chemical', 'gap_junctions' or 'both'"),
        ({"neuron_ids": []}, "at least 1 item"),
        ({"neuron_ids": ["AVAL"]}, "an id is needed"),
        ({"cell_class": {"before": "x"}}, "Extra inputs"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        options(**body)
    assert message in str(refused.value)


def test_neuron_0_is_a_neuron() -> None:
    asked = options(analysis="shortest_path", source=0, target=5)
    assert (asked["source"], asked["target"]) == (0, 5)
