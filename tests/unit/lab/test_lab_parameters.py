import datetime
import decimal
import uuid
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from syndb_lab import ParameterError
from syndb_lab.sql.parameters import bind, read_assignment, select_values

BIG = 720575940600000001


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (BIG, BIG),
        (np.int64(BIG), BIG),
        (pa.scalar(BIG), BIG),
        (np.array([BIG, 2]), [BIG, 2]),
        (np.array(BIG), BIG),
        (pl.Series([BIG, None]), [BIG, None]),
        (pd.Series([BIG, 2]), [BIG, 2]),
        (pd.Series([BIG]), [BIG]),
        (pa.array([BIG, None]), [BIG, None]),
        ([BIG], [BIG]),
        ((1, 2), [1, 2]),
        (range(2), [0, 1]),
        (None, None),
        (True, True),
        (np.bool_(True), True),
        (1.5, 1.5),
        (np.float64(1.5), 1.5),
        ("it's :x", "it's :x"),
        (datetime.date(2011, 2, 3), "2011-02-03"),
        (datetime.datetime(2011, 2, 3, 4, 5), "2011-02-03 04:05:00"),
        (datetime.time(4, 5), "04:05:00"),
        (decimal.Decimal("1.50"), "1.50"),
        (decimal.Decimal("1E+3"), "1000"),
        (np.datetime64("2011-02-03"), "2011-02-03"),
        (np.datetime64("2011-02-03T04:05:00", "ns"), "2011-02-03 04:05:00"),
        (np.array(["2011-02-03T04:05:00", "NaT"], "datetime64[ns]"), ["2011-02-03 04:05:00", None]),
        (pd.Series(pd.to_datetime(["2011-02-03"])), ["2011-02-03 00:00:00"]),
        (pd.NaT, None),
        ([datetime.date(2011, 2, 3), None], ["2011-02-03", None]),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_values_arrive_as_they_are(value: Any, sent: Any) -> None:
    found = bind("SELECT :x", {"x": value}).values["x"]
    assert found == sent
    assert type(found) is type(sent)


@pytest.mark.parametrize(
    "value",
    [
        *(float("nan"), float("inf"), decimal.Decimal("NaN"), decimal.Decimal("sNaN")),
        *({"a": 1}, object(), print, pl.DataFrame({"a": [1]})),
    ],
)
def test_what_cannot_be_bound_is_named(value: Any) -> None:
    with pytest.raises(ParameterError, match=r"^:x is"):
        bind("SELECT :x", {"x": value})


MOMENT = datetime.datetime(2011, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (datetime.date(2011, 2, 3), "DATE"),
        (MOMENT, "TIMESTAMP"),
        (MOMENT.replace(tzinfo=datetime.UTC), "TIMESTAMPTZ"),
        (pd.Timestamp(MOMENT), "TIMESTAMP"),
        (np.datetime64(MOMENT), "TIMESTAMP"),
        (MOMENT.time(), "TIME"),
        (MOMENT.time().replace(tzinfo=datetime.UTC), "TIMETZ"),
        (decimal.Decimal("1.50"), "DECIMAL(3, 2)"),
        (decimal.Decimal("-0.005"), "DECIMAL(3, 3)"),
        (decimal.Decimal("12E+2"), "DECIMAL(4, 0)"),
        (decimal.Decimal(0), "DECIMAL(1, 0)"),
        ([datetime.date(2011, 2, 3), None], "DATE[]"),
        ([[MOMENT], [None, MOMENT]], "TIMESTAMP[][]"),
        ([decimal.Decimal("100"), decimal.Decimal("0.25")], "DECIMAL(5, 2)[]"),
    ],
)
def test_what_json_has_no_type_for_gets_it_back_in_the_sql(value: Any, kind: str) -> None:
    bound = bind("SELECT :x, ':x', $x", {"x": value})
    assert bound.sql == f"SELECT CAST($x AS {kind}), ':x', CAST($x AS {kind})"
    found = duckdb.connect().execute(bound.sql, bound.values).fetchone()
    assert found is not None
    assert found[0] is not None


@pytest.mark.parametrize("value", [1, "2011-02-03", None, [], [None], True, 1.5, uuid.UUID(int=1)])
def test_what_json_can_say_keeps_its_place(value: Any) -> None:
    assert bind("SELECT :x", {"x": value}).sql == "SELECT $x"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([datetime.date(2011, 2, 3), "x"], "several types: date, str"),
        ([MOMENT, datetime.date(2011, 2, 3)], "several types: date, datetime"),
        (decimal.Decimal("1E+38"), "39 digits"),
        (decimal.Decimal("1E-39"), "39 digits"),
    ],
)
def test_what_has_no_type_in_sql_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        bind("SELECT :x", {"x": value})


def test_columns_are_those_of_the_given_text() -> None:
    query = "SELECT :a, 'ü',\n :day + :b, nam, :day,\r\n $day"
    bound = bind(query, {"a": 1, "b": 2, "day": datetime.date(2011, 2, 3)})
    given, sent = query.splitlines(), bound.sql.splitlines()
    for number, (mine, theirs) in enumerate(zip(given, sent, strict=True), 1):
        for word in ("SELECT", "'ü'", "$b", "nam", "+"):
            if word in theirs:
                wanted = mine.index(word.replace("$b", ":b")) + 1
                assert bound.column(number, theirs.index(word) + 1) == wanted
        assert bound.column(number, len(theirs) + 1) == len(mine) + 1
    inside = [bound.column(2, column) for column in range(2, 2 + len("CAST($day AS DATE)"))]
    assert inside == [2] * len(inside)
    assert (bound.column(None, None), bound.column(2, None)) == (None, None)


@pytest.mark.parametrize("query", [None, 3, b"SELECT 1"])
def test_a_query_that_is_no_text_is_refused(query: Any) -> None:
    with pytest.raises(ParameterError, match="no text"):
        bind(query, {})


def test_parameters_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(ParameterError, match="a list, no mapping"):
        bind("SELECT 1", [1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "assignment"),
    [
        ("n=5", ("n", 5)),
        (f"n={BIG}", ("n", BIG)),
        ("n=5.5", ("n", 5.5)),
        ("n=motor", ("n", "motor")),
        ('n="5"', ("n", "5")),
        ("n=null", ("n", None)),
        ("n=true", ("n", True)),
        ("n=[1,2]", ("n", [1, 2])),
        ("n=", ("n", "")),
        ("n=a=b", ("n", "a=b")),
        ("n={", ("n", "{")),
    ],
)
def test_assignments_of_the_line_are_typed(text: str, assignment: tuple[str, Any]) -> None:
    assert read_assignment(text) == assignment


@pytest.mark.parametrize("text", ["n", "=5", "1n=5", "a b=5"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="no assignment"):
        read_assignment(text)


def test_the_line_goes_before_the_notebook() -> None:
    assert select_values("SELECT :a, :b", {"a": 1, "b": 2, "c": 3}, {"a": 9}) == {"a": 9, "b": 2}


def test_a_missing_value_is_shown_in_its_line() -> None:
    with pytest.raises(ParameterError) as caught:
        select_values("SELECT 1,\n  :a + :b", {"a": 1}, {})
    assert str(caught.value).splitlines()[:3] == [":b has no value", "line 2:   :a + :b", " " * 15 + "^"]


def test_a_value_that_nothing_takes_is_refused() -> None:
    with pytest.raises(ParameterError, match="no parameter :typo"):
        select_values("SELECT :a", {"a": 1}, {"typo": 1})


@pytest.mark.parametrize(
    ("value", "sent", "kind"),
    [
        (np.datetime64("2024-01-01T00:00:00.123456789"), "2024-01-01 00:00:00.123456789", "TIMESTAMP_NS"),
        (
            np.array(["2024-01-01T00:00:00.000000001", "NaT", "2024-01-01"], "datetime64[ns]"),
            ["2024-01-01 00:00:00.000000001", None, "2024-01-01 00:00:00"],
            "TIMESTAMP_NS[]",
        ),
        (pd.Timestamp("2024-01-01 00:00:00.000000001"), "2024-01-01 00:00:00.000000001", "TIMESTAMP_NS"),
        (
            pd.Timestamp("2024-01-01 00:00:00.000000001", tz="UTC"),
            "2024-01-01 00:00:00.000000001+00:00",
            "TIMESTAMPTZ_NS",
        ),
        (
            pd.Series(pd.to_datetime(["2024-01-01 00:00:00.000000001", None])),
            ["2024-01-01 00:00:00.000000001", None],
            "TIMESTAMP_NS[]",
        ),
        (pa.array([1, None], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001", None], "TIMESTAMP_NS[]"),
        (pa.array([5, None], pa.time64("ns")), ["00:00:00.000000005", None], "TIME_NS[]"),
    ],
)
def test_nanoseconds_are_kept(value: Any, sent: Any, kind: str) -> None:
    bound = bind("SELECT :v", {"v": value})
    assert bound.values == {"v": sent}
    assert bound.sql == f"SELECT CAST($v AS {kind})"


def test_whole_numbers_that_fractions_would_round_are_refused() -> None:
    for value in ([2**53 + 1, 0.5], [[0.5], [-(2**60) - 1]], (0.5, 2**53 + 1)):
        with pytest.raises(ParameterError, match="beside fractions"):
            bind("SELECT :v", {"v": value})
    for exact in ([2**53, 0.5], [2**60, 0.5], [2**53 + 1, None]):
        assert bind("SELECT :v", {"v": exact}).values == {"v": exact}
    assert bind("SELECT :v", {"v": pd.NA}).values == {"v": None}
