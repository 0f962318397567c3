"""A stored result by the page: exact cells, the order and the filters, whatever the file."""

from __future__ import annotations

import csv as reading
import io
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from syndb_lab.errors import ParameterError, ResultUnsuitable
from syndb_lab.notebook.table import clipboard
from syndb_lab.notebook.table.row_view import FilterError, Interrupted, RowView, ViewSpec
from tests.support.lab_fakes import FLYWIRE_ID

STORED = ViewSpec()
Open = Callable[..., RowView]
TYPES = """
    SELECT 720575940600000001 AS id, 170141183460469231731687303715884105727::HUGEINT AS huge,
      {'a': 1, 'b': [1, NULL]} AS struct, map {'k': 1} AS map, [1, NULL] AS list,
      TIMESTAMP '2011-02-03 16:03:05.123456' AS moment, TIMESTAMPTZ '2011-02-03 16:03:05+01' AS zoned,
      TIMESTAMP_NS '2011-02-03 16:03:05.123456789' AS ns, DATE '10000-01-01' AS far, TIME '12:00:01' AS time,
      '\\xAA\\x00ab'::BLOB AS blob, 1.10::DECIMAL(10, 2) AS price, 'nan'::DOUBLE AS nan, 0.1::FLOAT AS float,
      true AS bool, INTERVAL '1 month 2 days' AS span, 'a'::ENUM('a', 'b') AS enum,
      union_value(x := 1) AS "union", '<b>x' || chr(10) || 'y</b>' AS markup, '👩‍🔬 $x$' AS emoji
"""
TEXTS = [
    *("720575940600000001", "170141183460469231731687303715884105727", "{'a': 1, 'b': [1, NULL]}", "{k=1}"),
    *("[1, NULL]", "2011-02-03 16:03:05.123456", "2011-02-03 15:03:05+00", "2011-02-03 16:03:05.123456789"),
    *("10000-01-01", "12:00:01", "\\xAA\\x00ab", "1.10", "nan", "0.1", "true", "1 month 2 days", "a", "1"),
    *("<b>x↵y</b>", "👩‍🔬 $x$"),
]


@pytest.fixture
def open_rows(tmp_path: Path) -> Iterator[Open]:
    """Write a table as the service stores it, in batches of uneven length, and open it."""
    opened: list[RowView] = []

    def open_(table: pa.Table, suffix: str = "arrow", batch: int = 7) -> RowView:
        path = tmp_path / f"result{len(opened)}.{suffix}"
        if suffix == "parquet":
            pq.write_table(table, path, row_group_size=batch)
        elif suffix == "csv":
            csv.write_csv(table, path)
        else:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            with pa.ipc.new_file(path, table.schema, options=options) as writer:
                writer.write_table(table.slice(0, 3))
                writer.write_table(table.slice(3), max_chunksize=batch)
        columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
        opened.append(RowView(path, columns))
        return opened[-1]

    yield open_
    for rows in opened:
        rows.close()


def cells(
    rows: RowView, view: ViewSpec = STORED, first: int = 0, count: int = 100, columns: Any = None
) -> list[Any]:
    wanted = range(len(rows.columns)) if columns is None else columns
    return rows.page(view, first, count, wanted)[1]


def numbers(rows: RowView, **view: Any) -> list[int]:
    return rows.page(ViewSpec(**view), 0, 1000, [0])[0]


@pytest.mark.parametrize("suffix", ["arrow", "parquet", "csv"])
def test_every_page_of_every_format_is_exact_beside_null(open_rows: Open, suffix: str) -> None:
    ids = [None if number % 5 == 1 else FLYWIRE_ID + number for number in range(50)]
    rows = open_rows(pa.table({"id": pa.array(ids, pa.int64()), "n": range(50)}), suffix)
    expected = [[None if one is None else str(one), str(number)] for number, one in enumerate(ids)]
    assert rows.count == 50
    for first in range(0, 60, 9):
        assert cells(rows, first=first, count=9) == expected[first : first + 9]
    backwards = ViewSpec([(1, "desc")])
    assert cells(rows, backwards, 40, 20) == expected[::-1][40:]
    assert cells(rows, first=48, count=9) == expected[48:]


@pytest.mark.slow
def test_each_type_is_a_text_and_sorts_and_is_found_by_it(open_rows: Open) -> None:
    with duckdb.connect() as connection:
        table = connection.sql(f"FROM ({TYPES}) UNION ALL BY NAME SELECT NULL AS id").to_arrow_table()
    rows = open_rows(table)
    assert cells(rows) == [TEXTS, [None] * len(TEXTS)]
    for column, text in enumerate(TEXTS):
        assert numbers(rows, sort=[(column, "desc")]) == [0, 1]
        assert numbers(rows, filters={column: "NULL"}) == [1]
        found = "x\ny" if "↵" in text else text
        assert numbers(rows, filters={column: f'"{found}"'}) == [0], rows.columns[column]


def test_sorting_is_stable_with_nulls_last_by_several_columns(open_rows: Open) -> None:
    made = random.Random(7)
    left = [made.choice([None, 1, 2, 3]) for _ in range(60)]
    right = [made.choice([None, "a", "B", "é"]) for _ in range(60)]
    rows = open_rows(pa.table({"left": pa.array(left, pa.int64()), "right": right}))

    def by(values: list[Any], number: int) -> tuple[bool, Any]:
        return values[number] is None, values[number] if values[number] is not None else 0

    known = [number for number in range(60) if left[number] is not None]
    falling = sorted(known, key=lambda number: -(left[number] or 0))
    unknown = [number for number in range(60) if left[number] is None]
    assert numbers(rows, sort=[(0, "desc")]) == falling + unknown
    both = sorted(range(60), key=lambda number: (by(left, number), by(right, number), number))
    assert numbers(rows, sort=[(0, "asc"), (1, "asc")]) == both


NEAR = pa.table(
    {
        "id": pa.array([FLYWIRE_ID - 1, FLYWIRE_ID, FLYWIRE_ID + 1, None], pa.int64()),
        "part": pa.array([-0.5, 0.1, float("nan"), None], pa.float32()),
        "price": pa.array(["-1.10", "2.00", "2.01", None]).cast(pa.decimal128(10, 2)),
        "name": ["NULL", "ÄRGER", '"q" > 5', None],
        "day": pa.array(["2011-02-03", "2011-02-04", "2026-01-01", None]).cast(pa.date32()),
        "is_it": pa.array([True, False, True, None]),
        "moment": pa.array([0, 1, 10**9, None], pa.timestamp("ns")),
    }
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "typed", "found"),
    [
        (0, f"= {FLYWIRE_ID}", [1]),
        (0, f"= {FLYWIRE_ID}.5", []),
        (0, f"> {FLYWIRE_ID}.5", [2]),
        (0, f"<= {FLYWIRE_ID}.5", [0, 1]),
        (0, f"< {FLYWIRE_ID}.0", [0]),
        (0, "= 720,575,940,600,000,001", [1]),
        (0, f"!= {FLYWIRE_ID}", [0, 2]),
        (0, f"<> {FLYWIRE_ID}.5", [0, 1, 2]),
        (0, f">={FLYWIRE_ID} and <{FLYWIRE_ID + 1}", [1]),
        (0, "0000002", [2]),
        (0, f"< {10**60}", [0, 1, 2]),
        (0, "> -inf", [0, 1, 2]),
        (0, "= nan", []),
        (0, "is not null", [0, 1, 2]),
        (1, "= 0.1", [1]),
        (1, "> -1e3", [0, 1]),
        (1, "= nan", [2]),
        (1, "!= 0.1", [0, 2]),
        (2, "> 2.005", [2]),
        (2, ">= -1.1 AND <= 2", [0, 1]),
        (2, "= 2", [1]),
        (3, "null", [3]),
        (3, '"null"', [0]),
        (3, "ärg", [1]),
        (3, "= 'ÄRGER'", [1]),
        (3, "not null", [0, 1, 2]),
        (3, '"q" > 5', [2]),
        (3, "   ", [0, 1, 2, 3]),
        (4, ">= 2011-02-04", [1, 2]),
        (4, "2011-", [0, 1]),
        (5, "= TRUE", [0, 2]),
        (5, "fal", [1]),
        (6, "= '1970-01-01 00:00:00.000000001'", [1]),
    ],
)
def test_a_filter_keeps_what_it_says(open_rows: Open, column: int, typed: str, found: list[int]) -> None:
    assert numbers(open_rows(NEAR), filters={column: typed}) == found


@pytest.mark.parametrize(
    ("column", "typed", "said"),
    [
        (0, "> many", "'many' is no number, and this column is int64"),
        (0, ">", "'>' compares with nothing"),
        (0, "> 5 and <", "compares with nothing"),
        (0, "> > 5", "compares with nothing"),
        (4, "> yesterday", "'yesterday' is no date"),
        (5, "= 7 apples", "is no boolean"),
        (6, "> 2011-99-99", "is no timestamp"),
    ],
)
def test_a_filter_that_cannot_be_read_says_why_and_where(
    open_rows: Open, column: int, typed: str, said: str
) -> None:
    with pytest.raises(FilterError, match=said) as caught:
        open_rows(NEAR).total(ViewSpec(filters={column: typed}))
    assert caught.value.column == column
    assert caught.value.hint
    assert isinstance(caught.value, ParameterError)


def test_what_has_no_order_is_not_compared(open_rows: Open) -> None:
    rows = open_rows(pa.table({"both": [[1, 2], [3]], "raw": [b"a", b"b"]}))
    for column in (0, 1):
        with pytest.raises(FilterError, match="can't be compared"):
            rows.total(ViewSpec(filters={column: "= 1"}))
    assert numbers(rows, filters={0: "[3"}) == [1]


def test_sql_in_a_filter_stays_text(open_rows: Open) -> None:
    rows = open_rows(pa.table({'n"); DROP TABLE held; --': ["'; SELECT 1; --", "b"]}))
    assert numbers(rows, filters={0: "'; SELECT 1; --"}) == [0]
    assert numbers(rows, filters={0: "= '; SELECT 1; --"}) == [0]


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_columns_of_one_name_stay_apart(open_rows: Open, suffix: str) -> None:
    names = ["x", "x", "X", 'a"b', "😀", "<b>"]
    table = pa.table([[number, number + 10] for number in range(6)], names=names)
    rows = open_rows(table, suffix)
    assert [column["name"] for column in rows.columns] == names
    assert cells(rows) == [[str(number) for number in range(6)], [str(number) for number in range(10, 16)]]
    assert cells(rows, ViewSpec([(1, "desc")], {4: "> 5"})) == [[str(number) for number in range(10, 16)]]
    assert cells(rows, columns=[5, 1, 1]) == [["5", "1", "1"], ["15", "11", "11"]]


@pytest.mark.parametrize("suffix", ["arrow", "parquet", "csv"])
@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_a_single_row(open_rows: Open, suffix: str, count: int) -> None:
    rows = open_rows(pa.table({"a": pa.array([1] * count, pa.int64()), "b": pa.array(["x"] * count)}), suffix)
    assert (rows.count, len(cells(rows)), cells(rows, first=5)) == (count, count, [])
    assert rows.total(ViewSpec([(0, "asc")])) == count
    assert rows.total(ViewSpec(filters={1: "y"})) == 0
    assert cells(rows, ViewSpec(filters={1: "y"})) == []


@pytest.mark.slow
def test_five_hundred_columns(open_rows: Open) -> None:
    rows = open_rows(pa.table({f"c{number}": range(1000) for number in range(500)}), batch=300)
    assert cells(rows, first=990, count=5, columns=range(490, 500)) == [
        [str(n)] * 10 for n in range(990, 995)
    ]
    assert cells(rows, ViewSpec([(499, "desc")]), 0, 1, [0]) == [["999"]]
    assert len(cells(rows, count=1)[0]) == 500


def test_a_long_cell_is_cut_with_its_length_and_copied_whole(open_rows: Open) -> None:
    long = [f"{number} \t\n" + "x" * 1_000_000 for number in range(20)]
    rows = open_rows(pa.table({"long": long}))
    assert cells(rows, first=3, count=1) == [[["3 ⇥↵" + "x" * 296, 1_000_004]]]
    assert clipboard.copied_cell(rows, STORED, 3, 0) == long[3]
    text = clipboard.rows_as_text(rows, STORED, 0, 2)
    assert list(csv_lines(text)) == [["long"], [long[0]], [long[1]]]
    with pytest.raises(ResultUnsuitable, match="characters"):
        clipboard.rows_as_text(open_rows(pa.table({"long": long * 2})), STORED, 0, 40)


def csv_lines(text: str) -> Iterator[list[str]]:
    reading.field_size_limit(2_000_000)
    return iter(reading.reader(io.StringIO(text, newline=""), delimiter="\t"))


def test_copied_rows_are_those_of_the_view(open_rows: Open) -> None:
    rows = open_rows(pa.table({"id": [FLYWIRE_ID, None, FLYWIRE_ID + 2], "name": ["a", "", 'say "hi"']}))
    assert clipboard.rows_as_text(rows, ViewSpec([(0, "desc")]), 0, 3) == (
        'id\tname\n720575940600000003\t"say ""hi"""\n720575940600000001\ta\n\t""'
    )
    assert clipboard.copied_cell(rows, STORED, 1, 0) == ""
    with pytest.raises(ResultUnsuitable, match="100,000"):
        clipboard.rows_as_text(rows, STORED, 0, 100_001)


def test_sorting_stops_when_nobody_waits_and_starts_again(open_rows: Open) -> None:
    rows = open_rows(pa.table({"text": [f"{number:07d}" * 3 for number in range(300_000)]}), batch=50_000)
    view, stopped = ViewSpec([(0, "desc")], {0: "1"}), threading.Event()

    def stop() -> None:
        while not stopped.is_set():
            rows.interrupt()
            time.sleep(0.0005)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        with pytest.raises(Interrupted):
            rows.total(view)
    finally:
        stopped.set()
        thread.join()
    assert rows.page(view, 0, 1, [0])[1] == [["0299991" * 3]]


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text("{}")
    with pytest.raises(ResultUnsuitable, match="holds no table"):
        RowView(path)
