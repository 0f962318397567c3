"""Whether a graph job fits, said before it is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from syndb_service.domain.datasets import Dataset, Sizes, TableInfo
from syndb_service.domain.graph.analysis_options import AnalysisOptions, read_options
from syndb_service.domain.graph.memory_budget import known_to_fit, require_budget
from syndb_service.domain.graph.selection import Selection
from syndb_service.errors import GraphTooLarge

GIBIBYTE = 1024**3
SIZES: dict[str, Sizes] = {
    "chemical": [(90, 5_000_000), (5, 5_000_000), (1, 10_000_000)],
    "gap_junctions": [],
    "both": [(90, 20_000_000)],
}
TEXTS = ("id", "name", "title", "species", "version", "licence", "citation", "doi", "description")


def dataset(sizes: dict[str, Sizes]) -> Dataset:
    return Dataset(
        **dict.fromkeys(TEXTS, ""),
        visibility="public",
        tables={"neurons": TableInfo(139_255, 1, ("n.parquet",), ("neuron_id",))},
        views={},
        added_at=datetime.now(UTC),
        connection_sizes=sizes,
    )


UNDER_FILTERS: list[dict[str, Any]] = [
    {"neuron_ids": ["1"]},
    {"cell_class": {"pre": ["motor"]}},
    {"brain_structure": {"post": ["AL"]}},
    {"neurotransmitter": ["GABA"]},
]


def asked(options: dict[str, Any]) -> AnalysisOptions:
    return read_options("metrics", options)


def uncounted(dataset: Dataset, selection: Selection) -> Sizes | None:
    return None


def unasked(dataset: Dataset, selection: Selection) -> Sizes | None:
    pytest.fail("the record of the dataset tells enough")


def test_a_graph_beyond_memory_is_refused_with_what_it_needs_and_the_filter_that_helps() -> None:
    with pytest.raises(GraphTooLarge, match="would have 20,000,000 connections") as refused:
        require_budget([dataset(SIZES)], asked({}), 2 * GIBIBYTE, unasked)
    assert "the memory of a job (2.0 GiB) holds 11,990,089, it would need 3.1 GiB" in refused.value.message
    assert "min_synapses = 2 would make it fit" in str(refused.value.hint)
    require_budget([dataset(SIZES)], asked({"min_synapses": 2}), 2 * GIBIBYTE, unasked)
    require_budget([dataset(SIZES)], asked({}), 4 * GIBIBYTE, unasked)


def test_two_graphs_share_the_memory() -> None:
    one = dataset(SIZES)
    with pytest.raises(GraphTooLarge, match="for 2 graphs"):
        require_budget([one, one], asked({}), 4 * GIBIBYTE, unasked)


@pytest.mark.parametrize(
    "options", [*UNDER_FILTERS, {"include": "gap_junctions"}, {"max_edges": 20_000_000}, {"min_synapses": 91}]
)
def test_what_may_fit_is_not_refused(options: dict[str, Any]) -> None:
    require_budget([dataset(SIZES)], asked({"max_edges": 3, **options}), 8 * GIBIBYTE, uncounted)


@pytest.mark.parametrize("options", UNDER_FILTERS)
def test_under_filters_it_is_counted_where_it_matters(options: dict[str, Any]) -> None:
    selections: list[Selection] = []

    def count(_: Dataset, selection: Selection) -> Sizes:
        selections.append(selection)
        return [(7, 2), (1, 3)]

    with pytest.raises(GraphTooLarge, match="would have 5 connections; max_edges allows 4"):
        require_budget([dataset(SIZES)], asked({"max_edges": 4, **options}), 8 * GIBIBYTE, count)
    require_budget(
        [dataset(SIZES)], asked({"max_edges": 4, "min_synapses": 2, **options}), 8 * GIBIBYTE, count
    )
    assert selections == [Selection.of(options), Selection.of({"min_synapses": 2, **options})]
    require_budget([dataset(SIZES)], asked({"max_edges": 20_000_000, **options}), 8 * GIBIBYTE, unasked)


def test_a_dataset_whose_connections_were_not_counted_when_it_was_added_is_counted_now() -> None:
    tables = {name: TableInfo(4, 1, ("f.parquet",), ()) for name in ("neurons", "synapses")}
    one = replace(dataset({}), tables=tables)
    with pytest.raises(GraphTooLarge, match="would have 3 connections"):
        require_budget([one], asked({"max_edges": 2}), GIBIBYTE, lambda *_: [(2, 1), (1, 2)])
    require_budget([one], asked({"max_edges": 2}), GIBIBYTE, uncounted)
    require_budget([one], asked({"max_edges": 4}), GIBIBYTE, unasked)
    assert known_to_fit([one], asked({"max_edges": 4}), GIBIBYTE)
    assert not known_to_fit([one], asked({"max_edges": 3}), GIBIBYTE)


def test_what_is_known_to_fit_needs_no_count_in_the_job() -> None:
    assert known_to_fit([dataset(SIZES)], asked({"cell_class": {"pre": ["motor"]}}), 8 * GIBIBYTE)
    assert not known_to_fit([dataset(SIZES)], asked({"cell_class": {"pre": ["motor"]}}), 2 * GIBIBYTE)
    assert known_to_fit([dataset(SIZES)], asked({"min_synapses": 90}), 2 * GIBIBYTE)
    assert not known_to_fit([dataset(SIZES)] * 2, asked({"min_synapses": 90}), 2 * GIBIBYTE)


def test_a_dataset_without_neurons_has_room() -> None:
    empty = replace(dataset({key: [] for key in SIZES}), tables={})
    require_budget([empty], asked({"max_edges": 1}), GIBIBYTE, unasked)


def test_the_counts_outlive_the_manifest() -> None:
    assert Dataset.from_dict(dataset(SIZES).to_dict()).connection_sizes == SIZES
