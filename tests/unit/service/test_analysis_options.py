"""Each analysis has its class of options: they are stored and read again, and belong to it alone."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndb_service.api.schemas.graph_request import GraphBody
from syndb_service.domain.graph.analysis_options import (
    COLUMNS,
    OPTION_TYPES,
    CommunitiesOptions,
    FullOptions,
    GraphOptions,
    HubsOptions,
    MotifSignificanceOptions,
    ReachabilityOptions,
    ShortestPathOptions,
    read_options,
)
from syndb_service.domain.graph.selection import Selection
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import JobRequest
from syndb_service.domain.message_codec import MalformedMessage
from syndb_service.errors import InvalidRequest
from syndb_service.graph.analyses import ANALYSES

DATASET = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
OTHER = "f59f686b-4d9d-5e6a-b217-c53469b41620"
NAME = st.text(min_size=1, max_size=5)
NAMES = NAME | st.lists(NAME, min_size=1, max_size=3)
IDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
ENDS = st.none() | NAMES | st.fixed_dictionaries({}, optional={"pre": st.none() | NAMES, "post": NAMES})
OF_ALL: dict[str, st.SearchStrategy[Any]] = {
    "min_synapses": st.integers(1, 9),
    "max_edges": st.none() | st.integers(1, 9),
    "cell_class": ENDS,
    "brain_structure": ENDS,
    "neurotransmitter": st.none() | NAMES,
    "neuron_ids": st.none() | st.lists(IDS | IDS.map(str), min_size=1, max_size=3),
    "top_hubs": st.integers(0, 20),
    "seed": st.integers(0, 3),
    "node_table": st.booleans(),
    "include": st.just("chemical"),
}
OWN: dict[str, st.SearchStrategy[Any]] = {
    "source": IDS | NAME,
    "target": IDS | NAME,
    "weight": st.sampled_from(["hops", "synapses"]),
    "max_hops": st.integers(1, 100),
    "samples": st.none() | st.integers(1, 200),
    "keep_reciprocity": st.booleans(),
    "resolution": st.floats(0.1, 3) | st.integers(1, 3),
    "column": st.none() | st.sampled_from(COLUMNS),
    "other_dataset_id": st.just(OTHER),
    "by": st.sampled_from(["neurotransmitter", "brain_structure"]),
}


@st.composite
def bodies(draw: st.DrawFn) -> GraphBody:
    option_type = draw(st.sampled_from(list(OPTION_TYPES.values())))
    own = {name: OWN[name] for name in OWN if name in option_type.own_names()}
    dropped = {draw(st.sampled_from(["other_dataset_id", "by"]))}
    needed = {name: own[name] for group in option_type.needs for name in group if name not in dropped}
    dropped |= set() if "by" in needed or "other_dataset_id" in needed else {"other_dataset_id", "by"}
    if option_type is FullOptions and draw(st.booleans()):
        needed |= {"source": own["source"], "target": own["target"]}
    elif option_type is FullOptions:
        dropped |= {"target", "weight"}
    optional = {name: own[name] for name in own if name not in dropped and name not in needed}
    given = draw(st.fixed_dictionaries(needed, optional=optional | OF_ALL))
    return GraphBody.model_validate({"dataset_id": DATASET, "analysis": option_type.analysis, **given})


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(bodies())
def test_options_are_stored_and_read_again(body: GraphBody) -> None:
    options = body.options()
    stored = json.loads(json.dumps(body.request().as_dict()))
    read = JobRequest.from_dict(stored).graph_options
    assert type(read) is OPTION_TYPES[body.analysis]
    assert read == options
    assert json.dumps(read.to_dict()) == json.dumps(stored["options"])


def test_the_stored_request_repeats_what_was_stated_even_where_it_is_the_default() -> None:
    stated = {"analysis": "shortest_path", "source": 1, "target": 2, "weight": "hops", "include": "chemical"}
    body = GraphBody.model_validate({"dataset_id": DATASET, **stated, "cell_class": {}, "node_table": False})
    assert body.request().options == {
        "min_synapses": 1,
        "max_edges": None,
        "top_hubs": 10,
        "seed": 0,
        "include": "chemical",
        "source": 1,
        "target": 2,
        "weight": "hops",
        "cell_class": {"pre": None, "post": None},
    }


def test_every_option_is_a_field_of_the_body_with_the_same_default() -> None:
    of_body = GraphBody.model_fields
    for option_type in OPTION_TYPES.values():
        for field in fields(option_type):
            if field.name in {"selection", "stated", "samples"} or field.name in sum(option_type.needs, ()):
                continue
            assert of_body[field.name].default == field.default, (option_type, field.name)
    everything = Selection()
    assert of_body["min_synapses"].default == everything.min_synapses
    assert of_body["include"].default == everything.include
    assert MotifSignificanceOptions().samples == 100


def test_every_analysis_but_full_has_a_function_that_takes_its_options() -> None:
    expected = {name: each for name, each in OPTION_TYPES.items() if name != "full"}
    assert {name: analysis.options for name, analysis in ANALYSES.items()} == expected


def test_a_row_of_another_version_is_read() -> None:
    assert read_options("hubs", {}) == HubsOptions()
    newer = {"seed": 7, "signs": "drosophila", "resolution": 2.0, "max_edges": None}
    assert read_options("hubs", newer) == HubsOptions(seed=7)
    assert "signs" not in read_options("hubs", newer).to_dict()
    assert read_options("communities", {"resolution": 2}) == CommunitiesOptions(resolution=2.0)
    path = read_options("shortest_path", {"source": 0, "target": "ASEL", "cell_class": {"pre": ["motor"]}})
    assert path == ShortestPathOptions(source=0, target="ASEL", selection=Selection(pre_class=("motor",)))


@pytest.mark.parametrize(
    ("analysis", "values", "problem"),
    [
        ("influence", {}, "'influence' is no analysis, expected one of full, metrics"),
        (None, {}, "None is no analysis"),
        ("hubs", {"top_hubs": "3"}, r"HubsOptions\.top_hubs is a str, expected int"),
        ("shortest_path", {"source": "ASEL"}, r"ShortestPathOptions .* \(missing: target\)"),
        ("shortest_path", {"source": ["A"], "target": 1}, r"\.source is a list, expected int or str"),
        ("compare", {"by": "species"}, r"CompareOptions\.by is 'species', expected one of neurotransmitter"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(
    analysis: str | None, values: dict[str, Any], problem: str
) -> None:
    with pytest.raises(MalformedMessage, match=problem):
        read_options(analysis, values)
    request = JobRequest(kind=Kind.GRAPH, dataset_id=DATASET, analysis=analysis, options=values)
    with pytest.raises(InvalidRequest, match=problem) as refused:
        _ = request.graph_options
    assert "submit the analysis again" in str(refused.value.hint)


def test_full_hands_each_part_its_own_options() -> None:
    selection = Selection(min_synapses=5)
    full = FullOptions(selection=selection, source="ASEL", target=0, resolution=2.0, samples=3, seed=4)
    parts = {part.analysis: part for part in full.parts()}
    common: dict[str, Any] = {"selection": selection, "seed": 4}
    assert parts["reachability"] == ReachabilityOptions(**common, source="ASEL")
    assert parts["communities"] == CommunitiesOptions(**common, resolution=2.0)
    assert parts["shortest_path"] == ShortestPathOptions(**common, source="ASEL", target=0)
    assert parts["motif_significance"] == MotifSignificanceOptions(**common, samples=3)
    assert set(parts) == set(ANALYSES) - {"compare"}
    assert len(FullOptions().parts()) == 6
    assert all(type(part) is OPTION_TYPES[name] for name, part in parts.items())
    hubs: GraphOptions = HubsOptions()
    assert hubs.parts() == (hubs,)
