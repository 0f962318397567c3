"""A task comes out of the channel as it went in, and one that is not what it should be is not run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndb_service.domain.child_task import (
    CheckTask,
    ChildTask,
    Citation,
    CountTask,
    GraphTask,
    QueryTask,
    ReferencedResult,
    TaskDone,
    TaskFiles,
    TaskLimits,
    from_dict,
    to_dict,
)
from syndb_service.domain.graph.analysis_options import (
    CompareOptions,
    FullOptions,
    HubsOptions,
    ShortestPathOptions,
)
from syndb_service.domain.graph.selection import Selection
from syndb_service.domain.jobs import FORMATS
from syndb_service.domain.message_codec import MalformedMessage, decode_message, encode_message
from tests.support.child_tasks import CHECK_TASK, query_task

TEXTS = st.text(max_size=20)
WHOLE = st.integers(min_value=0, max_value=2**63)
NAMES = st.none() | st.lists(TEXTS, max_size=3).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=5,
)
SOURCES = st.dictionaries(TEXTS, st.lists(TEXTS, max_size=3).map(tuple), max_size=3)
FORMAT = st.sampled_from(FORMATS)
LIMITS = st.builds(
    TaskLimits,
    memory_bytes=WHOLE,
    address_space_bytes=WHOLE,
    threads=WHOLE,
    cpu_s=st.none() | WHOLE,
    temp_bytes=st.none() | WHOLE,
)
FILES = st.builds(TaskFiles, sources=SOURCES, temp_dir=TEXTS, data_dir=TEXTS)
CITATION = st.builds(
    Citation,
    **dict.fromkeys(["id", "name", "title", "version", "species", "citation", "doi", "licence"], TEXTS),
)
RESULT = st.builds(ReferencedResult, format=FORMAT, sha256=TEXTS, query=st.none() | TEXTS, created_at=TEXTS)
VALUES = st.dictionaries(TEXTS, JSON, max_size=3)
SELECTION = st.builds(
    Selection,
    min_synapses=WHOLE,
    include=st.sampled_from(["chemical", "gap_junctions", "both"]),
    neurotransmitter=NAMES,
    pre_class=NAMES,
    post_structure=NAMES,
    neuron_ids=st.none() | st.lists(WHOLE, max_size=3).map(tuple),
)
OF_GRAPH: dict[str, Any] = {
    "selection": SELECTION,
    "max_edges": st.none() | WHOLE,
    "top_hubs": WHOLE,
    "seed": WHOLE,
    "node_table": st.booleans(),
}
OPTIONS = st.one_of(
    st.builds(HubsOptions, **OF_GRAPH),
    st.builds(FullOptions, **OF_GRAPH, resolution=st.floats(0.1, 9), samples=st.none() | WHOLE),
    st.builds(ShortestPathOptions, **OF_GRAPH, source=TEXTS | WHOLE, target=TEXTS | WHOLE),
    st.builds(CompareOptions, **OF_GRAPH, other_dataset_id=st.none() | TEXTS),
)
OF_JOB: dict[str, Any] = {
    "job_id": TEXTS,
    "limits": LIMITS,
    "files": FILES,
    "created_at": TEXTS,
    "datasets": st.lists(CITATION, max_size=2).map(tuple),
}
TASKS: st.SearchStrategy[ChildTask] = st.one_of(
    st.builds(
        QueryTask,
        **OF_JOB,
        sql=TEXTS,
        original_sql=TEXTS,
        parameters=VALUES,
        format=FORMAT,
        max_query_bytes=WHOLE,
        results=st.dictionaries(TEXTS, RESULT, max_size=2),
        reproducible=st.booleans(),
    ),
    st.builds(
        GraphTask,
        **OF_JOB,
        options=OPTIONS,
        size_is_known=st.booleans(),
    ),
    st.builds(CheckTask, limits=LIMITS, max_query_bytes=WHOLE),
    st.builds(
        CountTask,
        limits=LIMITS,
        sources=SOURCES,
        dataset_id=TEXTS,
        selection=SELECTION,
    ),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(TASKS)
def test_a_task_comes_out_as_it_went_in(task: ChildTask) -> None:
    assert from_dict(json.loads(json.dumps(to_dict(task)))) == task


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": "nonsense"}, "'nonsense' is no kind of child task, expected query, graph, check, count"),
        ({"kind": None}, "None is no kind"),
        ({"max_query_bytes": "1000"}, r"CheckTask\.max_query_bytes is a str, expected int"),
        ({"max_query_bytes": True}, r"CheckTask\.max_query_bytes is a bool, expected int"),
        ({"query": "SELECT 1"}, r"CheckTask has other fields than expected \(unknown: query\)"),
        ({"limits": {"memory_bytes": 1}}, r"CheckTask\.limits .* \(missing: address_space_bytes\)"),
        ({"limits": []}, r"CheckTask\.limits is a list, expected object"),
        ({"limits": {"memory_bytes": 1, "address_space_bytes": None}}, "address_space_bytes is a NoneType"),
    ],
)
def test_a_task_that_is_malformed_is_not_read(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(MalformedMessage, match=problem):
        from_dict({**to_dict(CHECK_TASK), **changes})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": "xlsx"}, r"QueryTask\.format is 'xlsx', expected one of arrow, parquet, csv"),
        ({"job_id": None}, r"QueryTask\.job_id is a NoneType, expected str"),
        ({"sources": {"neurons": ["a list"]}}, r"files\.sources is a list, expected tuple|sources is a list"),
        ({"parameters": {1: "one"}}, r"a key of QueryTask\.parameters is a int, expected str"),
        ({"datasets": ({"id": "x"},)}, r"QueryTask\.datasets is a dict, expected Citation"),
    ],
)
def test_a_task_that_is_malformed_is_not_sent(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(MalformedMessage, match=problem):
        to_dict(query_task("folder", "SELECT 1", **changes))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"analysis": "influence"}, r"GraphTask\.options\.analysis is 'influence', expected one of full, m"),
        ({"seed": 1}, r"GraphTask\.options\.analysis is None"),
        ({"analysis": "hubs", "samples": 3}, r"GraphTask\.options has other fields .* \(unknown: samples\)"),
        (
            {"analysis": "shortest_path", "source": 1.5, "target": 2},
            r"source is a float, expected int or str",
        ),
        ([], r"GraphTask\.options is a list, expected object"),
    ],
)
def test_options_that_are_not_those_of_an_analysis_are_not_read(options: Any, problem: str) -> None:
    limits = TaskLimits(memory_bytes=1, address_space_bytes=2)
    files = TaskFiles(sources={}, temp_dir="t", data_dir="d")
    task = GraphTask(
        job_id="j",
        limits=limits,
        files=files,
        created_at="now",
        options=HubsOptions(),
        size_is_known=True,
        datasets=(),
    )
    with pytest.raises(MalformedMessage, match=problem):
        from_dict({**to_dict(task), "options": options})


def test_what_a_child_answers_is_checked() -> None:
    done = TaskDone(rows=1, columns=(("n", "int64"), ("t", "uuid", "UUID")), dataset_ids=("a",))
    assert decode_message(TaskDone, json.loads(json.dumps(encode_message(done)))) == done
    with pytest.raises(MalformedMessage, match=r"TaskDone\.rows is a str, expected int"):
        decode_message(TaskDone, {"rows": "1", "columns": [], "truncated": False, "dataset_ids": []})
