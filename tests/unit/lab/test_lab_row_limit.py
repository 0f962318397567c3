"""A query cut to its first rows."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from syndb_lab.errors import ParameterError
from syndb_lab.sql.row_limit import limit_query


@pytest.mark.parametrize(
    "query",
    [
        "SELECT x FROM range(9) t(x) ORDER BY x DESC",
        "SELECT x FROM range(9) t(x) ORDER BY x DESC;",
        "SELECT x FROM range(9) t(x) ORDER BY x DESC ; -- the end; really",
        "SELECT x FROM range(9) t(x) ORDER BY x DESC /* ; /* nested */ */ ;;",
        "WITH a AS (SELECT x FROM range(9) t(x)) FROM a ORDER BY x DESC -- no semicolon",
        "SELECT x, FROM range(9) t(x) WHERE ';' = $$;$$ ORDER BY x DESC",
    ],
)
def test_the_first_rows_in_the_querys_own_order(query: str) -> None:
    assert duckdb.sql(limit_query(query, 3).sql).fetchall() == [(8,), (7,), (6,)]


def test_a_place_in_the_first_line_is_told_as_in_the_given_text() -> None:
    cut = limit_query("SELECT nam\nFROM neurons", 5)
    assert cut.sql.index("nam") + 1 == 23
    assert cut.column(1, 23) == 8
    assert cut.column(2, 6) == 6
    assert cut.column(None, None) is None


@pytest.mark.parametrize("query", ["EXPLAIN SELECT 1", "", "-- nothing"])
def test_what_has_no_rows_to_limit_stays_as_it_is(query: str) -> None:
    assert limit_query(query, 5).sql == query


@pytest.mark.parametrize("limit", [-1, True, 2.5, "ten"])
def test_a_limit_that_is_none(limit: Any) -> None:
    with pytest.raises(ParameterError, match="takes a number of rows"):
        limit_query("SELECT 1", limit)
