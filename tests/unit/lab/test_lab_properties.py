"""Properties: any value of a parameter arrives as it was, any line of a magic is read; or it is refused."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syndb_lab.conversion.plain_values import plain_value
from syndb_lab.errors import ParameterError, SyndbError
from syndb_lab.magics.cell_line import CellLine, read_cell_line, read_sql_line
from syndb_lab.sql.parameter_scanner import parameters, tokens
from syndb_lab.sql.parameters import bind
from syndb_lab.sql.references import references
from syndb_lab.sql.row_limit import limit_query

QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30))
SCALARS: list[st.SearchStrategy[Any]] = [
    st.integers(-(2**127), 2**128 - 1),
    FLOATS,
    TEXTS,
    st.booleans(),
    st.dates(),
    st.times(),
    MOMENTS,
    MOMENTS.map(lambda moment: moment.replace(tzinfo=datetime.UTC)),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20),
    st.uuids(),
]
DAY = datetime.datetime(2011, 2, 3)
ENGINE = duckdb.connect()
ENGINE.execute("SET TimeZone = 'UTC'")


def answered(value: Any) -> Any:
    """What the engine gives back for a parameter, bound as the service binds it."""
    bound = bind("SELECT :x AS x", {"x": value})
    row = ENGINE.execute(bound.sql, bound.values).fetchone()
    assert row is not None
    return row[0]


def has_next_step(error: SyndbError) -> None:
    assert error.hint


def same(found: Any, value: Any) -> bool:
    if isinstance(value, list):
        return len(found) == len(value) and all(map(same, found, value))
    if isinstance(value, float) and value == 0:
        return bool(found == 0 and math.copysign(1, found) == math.copysign(1, value))
    if type(value).__name__ == "UUID":
        return str(found) == str(value)
    return bool(found == value)


@pytest.mark.slow
@QUICK
@given(st.one_of(st.none(), *SCALARS))
def test_a_value_arrives_as_it_was(value: Any) -> None:
    assert same(answered(value), value)


@pytest.mark.slow
@QUICK
@given(st.one_of(*(st.lists(st.one_of(st.none(), kind), min_size=1, max_size=6) for kind in SCALARS)))
def test_a_list_of_one_kind_arrives_as_it_was(values: list[Any]) -> None:
    try:
        found = answered(values)
    except ParameterError as error:  # no one type of SQL holds them all
        has_next_step(error)
        assert any(isinstance(value, int | decimal.Decimal) for value in values)
        return
    assert same(found, values)


@pytest.mark.slow
@QUICK
@given(
    st.lists(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS, st.booleans()))
)
def test_a_mixed_list_is_exact_or_refused(values: list[Any]) -> None:
    try:
        found = answered(values)
    except ParameterError:
        return
    assert same(found, values)
    assert len({isinstance(value, str) for value in values}) <= 1
    assert len({isinstance(value, bool) for value in values}) <= 1


@pytest.mark.slow
@QUICK
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_columns_and_arrays_are_the_list(values: list[int]) -> None:
    for column in (np.array(values), pd.Series(values), pl.Series(values), tuple(values), pd.array(values)):
        assert answered(column) == values
    assert sorted(answered(set(values))) == sorted(set(values))


@pytest.mark.slow
@QUICK
@given(st.integers(-(2**62), 2**62), st.sampled_from(["ns", "us", "ms", "s"]))
def test_a_moment_of_numpy_keeps_every_digit(number: int, unit: str) -> None:
    value = np.datetime64(number // {"ns": 1, "us": 1000, "ms": 10**6, "s": 10**9}[unit], unit)
    bound = bind("SELECT :x::VARCHAR AS x, epoch_ns(:x) AS n", {"x": value})
    (_, nanoseconds) = ENGINE.execute(bound.sql, bound.values).fetchall()[0]
    assert nanoseconds == value.astype("datetime64[ns]").astype("int64")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (pd.NA, None),
        (pd.NaT, None),
        (np.ma.masked, None),
        (np.ma.array([1, 2], mask=[False, True]), [1, None]),
        ([2**53, 0.5], [2.0**53, 0.5]),
        (np.datetime64("10000-01-01"), "10000-01-01"),
        (pd.Timestamp("2011-02-03 04:05:06.123456789"), "2011-02-03 04:05:06.123456789"),
        (
            pl.Series([datetime.datetime(2011, 2, 3)], dtype=pl.Datetime("ns")),
            [datetime.datetime(2011, 2, 3)],
        ),
        (pd.Series(["a", None], dtype="string"), ["a", None]),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        ({"a": 1}.keys(), ["a"]),
    ],
)
def test_what_stands_for_none_or_is_finer_than_python(value: Any, found: Any) -> None:
    bound = bind("SELECT :x AS x" if not isinstance(found, str) else "SELECT :x::VARCHAR AS x", {"x": value})
    assert ENGINE.execute(bound.sql, bound.values).fetchall() == [(found,)]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([2**53 + 1, 0.5], "would round it"),
        ([1, "a"], "several types: int, str"),
        ([True, 1], "several types: bool, int"),
        (np.timedelta64(5, "ns"), "timedelta64"),
        (np.datetime64("2011-02-03T04:05:06.123456789123", "ps"), "nanoseconds at the finest"),
        (2**128, "more than 128 bits"),
        (range(10**9), "1,000,000,000 values"),
        (b"x", "a bytes"),
        ("\ud800", "broken character"),
    ],
)
def test_what_cannot_be_exact_is_refused_by_name(value: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        bind("SELECT :x", {"x": value})
    assert str(caught.value).startswith(":x ")
    assert caught.value.hint


@pytest.mark.slow
@QUICK
@given(
    st.recursive(st.one_of(st.none(), *SCALARS, st.binary(), st.complex_numbers()), st.lists, max_leaves=8)
)
def test_any_value_is_plain_or_refused(value: Any) -> None:
    try:
        found = plain_value("x", value)
    except ParameterError as error:
        has_next_step(error)
        return
    assert found == value or isinstance(value, list)


WORDS = st.sampled_from(
    [
        "q",
        "--wait",
        "--as",
        "pandas",
        "-p",
        "n=5",
        "x=[1",
        "--label",
        "'a b'",
        "'",
        "--limit",
        "-3",
        "--wiat",
        "-h",
    ]
)
LINES = st.one_of(st.lists(WORDS, max_size=6).map(" ".join), TEXTS)


@pytest.mark.slow
@QUICK
@given(LINES)
def test_any_first_line_of_a_cell_is_read_or_refused(line: str) -> None:
    try:
        asked = read_cell_line(line)
    except SyndbError as error:
        has_next_step(error)
        return
    assert isinstance(asked, CellLine)
    assert asked.variable is None or asked.variable.isidentifier()


@pytest.mark.slow
@QUICK
@given(st.sampled_from(["SELECT 1", "SELECT :n", "SELECT '--wait'", "(SELECT 1)"]), LINES)
def test_any_line_of_sql_is_parted_or_refused(sql: str, rest: str) -> None:
    try:
        asked, found = read_sql_line(f"{sql} {rest}")
    except SyndbError as error:
        has_next_step(error)
        return
    assert found.startswith(sql)
    assert asked.variable is None


@QUICK
@given(TEXTS)
def test_any_text_is_scanned(sql: str) -> None:
    assert "".join(token.text for token in tokens(sql)) == sql
    for parameter in parameters(sql):
        assert sql[parameter.start] in ":$"
    references(sql)
    assert sql in limit_query(sql, None).sql
