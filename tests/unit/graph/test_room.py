"""Whether a graph job fits, said before it is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from syndb_service.domain.datasets import Dataset, Sizes, TableInfo
from syndb_service.domain.graph.room import check_room
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


def test_a_graph_beyond_memory_is_refused_with_what_it_needs_and_the_filter_that_helps() -> None:
    with pytest.raises(GraphTooLarge, match="would have 20,000,000 connections") as refused:
        check_room([dataset(SIZES)], {}, 2 * GIBIBYTE)
    assert "the memory of a job (2.0 GiB) holds 11,990,089, it would need 3.1 GiB" in refused.value.message
    assert "min_synapses = 2 would make it fit" in str(refused.value.hint)
    check_room([dataset(SIZES)], {"min_synapses": 2}, 2 * GIBIBYTE)
    check_room([dataset(SIZES)], {}, 4 * GIBIBYTE)


def test_two_graphs_share_the_memory() -> None:
    one = dataset(SIZES)
    with pytest.raises(GraphTooLarge, match="for 2 graphs"):
        check_room([one, one], {}, 4 * GIBIBYTE)


@pytest.mark.parametrize(
    "options",
    [
        {"neuron_ids": ["1"]},
        {"cell_class": {"pre": ["motor"]}},
        {"brain_structure": {"post": ["AL"]}},
        {"neurotransmitter": ["GABA"]},
        {"include": "gap_junctions"},
        {"max_edges": 20_000_000},
    ],
)
def test_what_may_fit_is_not_refused(options: dict[str, Any]) -> None:
    check_room([dataset(SIZES)], {"max_edges": 3, **options}, 8 * GIBIBYTE)


def test_a_dataset_whose_connections_were_not_counted_is_judged_by_the_job() -> None:
    check_room([dataset({})], {"max_edges": 1}, GIBIBYTE)


def test_a_dataset_without_neurons_has_room() -> None:
    check_room([replace(dataset({key: [] for key in SIZES}), tables={})], {"max_edges": 1}, GIBIBYTE)


def test_the_counts_outlive_the_manifest() -> None:
    assert Dataset.from_dict(dataset(SIZES).to_dict()).connection_sizes == SIZES
