"""``{{job id}}`` in SQL, where DuckDB's own reading has a place for a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syndb_service.domain.result_references import find_references, replace_references
from syndb_service.sql.source_position import after_explain, first_word

JOB = "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"
LINES = (Path(__file__).parent.parent / "lab" / "statements.jsonl").read_text().splitlines()


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("FROM {{#}}", [6]),
        ("FROM {{ # }} JOIN {{#}}", [6, 54]),
        ("SELECT '{{#}}', $${{#}}$$, E'\\'{{#}}', \"{{#}}\", `{{#}}`", []),
        ("SELECT $a$ $$ {{#}} $b$ $a$", []),
        ("/* a /* b */ {{#}} */ FROM {{#}}", [63]),
        ("SELECT 1 -- {{#}}\r, 2", []),
        ("SELECT a$b$ FROM {{#}} WHERE c$b$ > 1", [18]),
        ("SELECT type'{{#}}'", []),
        ("SELECT 'open {{#}}", []),
    ],
)
def test_a_job_is_named_where_the_engine_would_read_it(query: str, columns: list[int]) -> None:
    sql = query.replace("#", JOB)
    assert [found.column for found in find_references(sql)] == columns
    assert len(replace_references(sql)) == len(sql)
    assert replace_references(sql).count(f'"{JOB}" ') == len(columns)


def test_each_place_of_a_long_text_is_right() -> None:
    sql = "\n".join(f"SELECT '{{{{{JOB}}}}}' FROM {{{{{JOB}}}}}" for _ in range(2000))
    assert [(found.line, found.column) for found in find_references(sql)] == [
        (n + 1, 56) for n in range(2000)
    ]


def test_no_statement_without_one_has_one() -> None:
    for line in LINES:
        sql = json.loads(line)["sql"]
        assert find_references(sql) == []
        assert replace_references(sql) == sql


@pytest.mark.parametrize("before", ["", " ", "-- a\n", "/* a /* b */ c */", "-- a\r/* */\n"])
def test_the_first_word_is_past_all_comments(before: str) -> None:
    assert first_word(f"{before}SELECT 1").offset == len(before)
    assert after_explain(f"{before}explain SELECT 1") == len(before) + 7
    assert after_explain(f"{before}explained") is None
