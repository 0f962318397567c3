"""What the OpenAPI document tells of an analysis's form is what its body takes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from syndb_service.api.schemas.graph_request import GraphBody

SCHEMA = GraphBody.model_json_schema()
FORMS = SCHEMA["x-analyses"]
DATASET = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
OTHER = "f59f686b-4d9d-5e6a-b217-c53469b41620"
VALUES = {
    "source": "ADAL",
    "target": "ADAR",
    "weight": "synapses",
    "max_hops": 3,
    "samples": 5,
    "keep_reciprocity": True,
    "resolution": 1.5,
    "column": "cell_class",
    "other_dataset_id": OTHER,
    "by": "neurotransmitter",
}


def test_every_analysis_has_a_form() -> None:
    assert set(FORMS) == set(SCHEMA["properties"]["analysis"]["enum"])


@pytest.mark.parametrize("analysis", sorted(FORMS))
def test_a_form_offers_what_is_taken_and_names_what_is_needed(analysis: str) -> None:
    form = FORMS[analysis]
    needed = {options[0]: VALUES[options[0]] for options in form["needs"]}
    for name in form["options"]:
        others = {one for options in form["needs"] if name in options for one in options}
        kept = {one: value for one, value in needed.items() if one not in others}
        if analysis == "full" and name in {"target", "weight"}:
            kept |= {end: VALUES[end] for end in ("source", "target")}
        GraphBody(dataset_id=DATASET, analysis=analysis, **{**kept, name: VALUES[name]})
    if needed:
        with pytest.raises(ValidationError, match="needs"):
            GraphBody(dataset_id=DATASET, analysis=analysis)
    for stranger in VALUES.keys() - set(form["options"]):
        with pytest.raises(ValidationError, match="is no option of"):
            GraphBody(dataset_id=DATASET, analysis=analysis, **needed, **{stranger: VALUES[stranger]})
