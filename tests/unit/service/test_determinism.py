"""What may differ between two runs of a query is named; where it is not known, nothing is claimed."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from syndb_service.sql.determinism import determinism


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    engine = duckdb.connect()
    engine.execute("CREATE TABLE t (a BIGINT, b BIGINT, x DOUBLE, d DECIMAL(9, 2), s VARCHAR)")
    yield engine
    engine.close()


FIXED = [
    "SELECT 1",
    "FROM t",
    "FROM t LIMIT 3",
    "SELECT a + 1, s FROM t WHERE x > 3",
    "SELECT count(*), sum(a), avg(a), min(x), max(x), median(x), sum(d), count(DISTINCT s) FROM t",
    "SELECT a, count(*) FROM t GROUP BY a ORDER BY a",
    "SELECT count(*) AS n, a FROM t GROUP BY a ORDER BY n DESC, a LIMIT 3",
    "SELECT DISTINCT a FROM t ORDER BY a",
    "SELECT a, (SELECT count(*) FROM t) FROM t",
    "SELECT count(*) FROM t WHERE EXISTS (FROM t)",
    "SELECT list(a ORDER BY a), string_agg(s, ',' ORDER BY s) FROM t",
    "SELECT a, b, sum(a) FROM t GROUP BY a, b ORDER BY b, a",
    "SELECT list_sum([x, 1.5]) FROM t",
    "SELECT a, row_number() OVER (ORDER BY a) FROM (SELECT DISTINCT a FROM t) ORDER BY a",
    "SELECT count(*) FROM t u JOIN t v USING (a)",
    "SELECT u.a FROM t u JOIN t v USING (a) ORDER BY u.a",
]


@pytest.mark.parametrize("sql", FIXED)
def test_fixed(engine: duckdb.DuckDBPyConnection, sql: str) -> None:
    found = determinism(engine, sql)
    assert found.reasons == ()
    if "EXISTS" not in sql and "(SELECT count(*)" not in sql:
        assert found.deterministic is True


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT sum(x) FROM t", "sum"),
        (
            "SELECT stddev(a), var_pop(a), corr(a, b), regr_slope(a, b) FROM t",
            "corr regr_slope stddev var_pop",
        ),
        ("SELECT sum(1.0::DOUBLE / a) FROM t", "sum"),
        ("SELECT avg(x) OVER (PARTITION BY a) FROM t ORDER BY ALL", "avg"),
        ("SELECT sum(x ORDER BY x) + sum(DISTINCT x) FROM t", "sum"),
        ("SELECT kahan_sum(x) FROM t", "kahan_sum"),
        ("SELECT random(), uuid() FROM t", "random uuid"),
        ("SELECT list_transform([1], lambda y: y + random())", "random"),
        ("SELECT now(), current_date", "current_date now"),
        ("SELECT count(*) FROM t WHERE x < random()", "random"),
        (
            "SELECT first(s), any_value(s), mode(s), arg_min(a, b), list(a), string_agg(s, ',') FROM t",
            "any_value arg_min first list mode string_agg",
        ),
        ("SELECT list(a ORDER BY b) FROM t", "list"),
        ("FROM t USING SAMPLE 3", "sample"),
        ("SELECT a, count(*) FROM t GROUP BY a", "row order"),
        ("SELECT DISTINCT a FROM t", "row order"),
        ("SELECT * FROM t u JOIN t v USING (a)", "row order"),
        ("SELECT a, count(*) FROM t GROUP BY a LIMIT 3", "limit row order"),
        ("SELECT DISTINCT ON (a) a, b FROM t ORDER BY a", "distinct on"),
        ("SELECT approx_quantile(x, 0.5) FROM t", "approx_quantile"),
        ("WITH c AS MATERIALIZED (SELECT sum(x) AS y FROM t) SELECT y FROM c", "sum"),
        ("SELECT (SELECT sum(x) FROM t)", "sum"),
    ],
)
def test_named(engine: duckdb.DuckDBPyConnection, sql: str, names: str) -> None:
    found = determinism(engine, sql)
    assert (found.deterministic, " ".join(found.reasons)) == (False, names)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM t ORDER BY a",
        "SELECT a, b FROM t ORDER BY a",
        "FROM t ORDER BY a LIMIT 3",
        "SELECT a, row_number() OVER (ORDER BY b) FROM t ORDER BY ALL",
        "SELECT a, sum(a) OVER (ORDER BY b ROWS 1 PRECEDING) FROM t ORDER BY ALL",
        "SELECT approx_count_distinct(a) FROM t",
        "FROM t UNION ALL FROM t",
        "SELECT nothing FROM nowhere",
    ],
)
def test_not_known(engine: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert (determinism(engine, sql).deterministic, determinism(engine, sql).reasons) == (None, ())
