"""Advice on queries over large connectomes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from syndb_service.domain.datasets import Dataset, TableInfo
from syndb_service.domain.query_advice import estimated_rows, query_advice, referenced_datasets
from syndb_service.domain.query_check import QuerySummary
from syndb_service.sql.query_summary import parse_tree, summarize

TABLES = ("connections", "neurons", "synapses")


def dataset(number: int, rows: int) -> Dataset:
    synapses = TableInfo(rows=rows, bytes=1, files=(), columns=())
    texts: dict[str, Any] = dict.fromkeys(("species", "version", "licence", "citation", "doi"), "")
    return Dataset(
        id=f"00000000-0000-4000-8000-{number:012}",
        name=f"fly_{number}",
        title="",
        visibility="public",
        description="",
        tables={"synapses": synapses},
        views={"connections": rows // 10},
        added_at=datetime(2026, 1, 1, tzinfo=UTC),
        **texts,
    )


BIG, SMALL = dataset(1, 50_000_000), dataset(2, 5_000)


def shape_of(sql: str, parameters: dict[str, Any], tables: Collection[str]) -> QuerySummary:
    return summarize(parse_tree(duckdb.connect(), sql), parameters, tables)


def said(sql: str, *parameters: tuple[str, Any]) -> str:
    shape = shape_of(sql, dict(parameters), TABLES)
    return " ".join(query_advice(shape, ["synapses"], [BIG, SMALL]))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM synapses", ("2 datasets", "all 11 columns of synapses", "50,005,000", "LIMIT")),
        (f"FROM synapses WHERE dataset_id = '{BIG.id}'", ("all 11 columns", "50,000,000")),
        (f"FROM synapses WHERE dataset_id = '{SMALL.id}'", ()),
        (f"FROM synapses WHERE dataset_id = '{BIG.id}' LIMIT 10", ()),
        (
            f"SELECT x FROM synapses WHERE dataset_id = '{BIG.id}' ORDER BY x",
            ("ORDER BY sorts 50,000,000 rows",),
        ),
        (f"SELECT x FROM synapses WHERE dataset_id IN ('{BIG.id}') ORDER BY x LIMIT 3", ()),
        ("SELECT count(*) FROM synapses WHERE dataset_id = 'fly_1'", ("'fly_1'", BIG.id)),
        ("SELECT count(*) FROM synapses WHERE dataset_id <> 'fly_1'", ()),
        (f"SELECT dataset_id FROM synapses WHERE dataset_id = upper('{BIG.id}')", ()),
    ],
)
def test_advice(sql: str, words: tuple[str, ...]) -> None:
    text = said(sql)
    assert all(word in text for word in words)
    assert bool(text) == bool(words)


def test_the_datasets_that_a_parameter_names() -> None:
    shape = shape_of("FROM synapses WHERE dataset_id IN $ids", {"ids": [SMALL.id]}, TABLES)
    assert referenced_datasets(shape, ["synapses"], [BIG, SMALL]) == [SMALL]
    assert estimated_rows(shape, [BIG, SMALL]) == 5_000


def test_a_limit_that_is_a_parameter() -> None:
    shape = shape_of("FROM synapses LIMIT $n", {"n": 5}, TABLES)
    assert estimated_rows(shape, [BIG, SMALL]) == 5
    shape = shape_of("FROM synapses LIMIT 10%", {}, TABLES)
    assert estimated_rows(shape, [BIG, SMALL]) is None
