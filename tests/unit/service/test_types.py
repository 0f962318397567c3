"""Every type of DuckDB through every format, frame, preview, table, clipboard and back through ``{{job}}``.

What is right is what DuckDB says when it runs the same query directly.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from syndb_lab.conversion.scalar_text import scalar_text
from syndb_lab.display.table_preview import cell, table_preview
from syndb_lab.errors import ResultUnsuitable
from syndb_lab.notebook.table.clipboard import copied_cell, rows_as_text, tab_separated
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.results import data_frames
from syndb_service.errors import InvalidQuery
from syndb_service.sql.result_columns import result_columns
from tests.support.type_cases import (
    FORMATS,
    JOB_ID,
    LARGE,
    MEDIUM,
    REFUSED,
    UNION,
    VALUES,
    Answer,
    check,
    engine,
    query_of,
    run,
)
from tests.support.type_page import PATH, page

pytestmark = pytest.mark.slow

CASES = list(VALUES)
SHOWN = [case for case in CASES if not case.endswith("beyond")]
BEYOND = [case for case in CASES if case.endswith("beyond")]
NESTED = {case for case in CASES if case.startswith(("STRUCT", "MAP", "TUPLE")) or "]" in case[-10:]}
NAMES = {case: f"c{number}" for number, case in enumerate(CASES)}
cases = pytest.mark.parametrize("case", CASES, ids=[case[:40] for case in CASES])
formats = pytest.mark.parametrize("file_format", FORMATS)
Said = dict[str, tuple[list[str | None], str]]


@dataclass
class Result:
    """A result with a column for each case, and what becomes of it."""

    path: Path
    answer: Answer
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[dict[str, str]]:
        return self.answer.columns

    def once(self, name: str, make: Any) -> Any:
        """Compute something for all columns, when the first test asks for it."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]


@dataclass
class Truth:
    """What the engine itself says: texts and types, and the order of the rows by each column."""

    said: Said
    order: dict[str, list[int]]


@pytest.fixture(scope="module")
def truth() -> Truth:
    with engine() as connection:
        connection.execute(
            f"CREATE TABLE held AS SELECT row_number() OVER () - 1 AS n, * FROM ({query_of(CASES)})"
        )
        said = said_by(connection.table("held").order("n"))
        rows = "SELECT n FROM held ORDER BY {} NULLS LAST, n"
        order = {name: [row[0] for row in connection.execute(rows.format(name)).fetchall()] for name in said}
        return Truth(said, order)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder, made = tmp_path_factory.mktemp("types"), {}
    for file_format in FORMATS:
        answer = run(query_of(CASES), file_format)
        path = folder / f"result.{file_format}"
        path.write_bytes(answer.data)
        made[file_format] = Result(path, answer)
    return made


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Return results without the moments that no frame shows."""
    folder, made = tmp_path_factory.mktemp("shown"), {}
    for file_format in FORMATS:
        answer = run(query_of(SHOWN), file_format)
        path = folder / f"result.{file_format}"
        path.write_bytes(answer.data)
        made[file_format] = Result(path, answer)
    return made


@pytest.fixture(scope="module")
def opened(results: dict[str, Result]) -> Iterator[dict[str, RowView]]:
    rows = {file_format: RowView(result.path, result.columns) for file_format, result in results.items()}
    yield rows
    for each in rows.values():
        each.close()


def said_by(relation: duckdb.DuckDBPyRelation) -> Said:
    """Return the texts and the type of every case, as an engine says them."""
    asked = ", ".join(f"CAST({name} AS VARCHAR), typeof({name})" for name in NAMES.values())
    columns = list(zip(*relation.project(asked).fetchall(), strict=True))
    return {name: (list(columns[2 * at]), columns[2 * at + 1][0]) for at, name in enumerate(NAMES.values())}


def texts(column: pa.ChunkedArray) -> list[str | None]:
    return [scalar_text(value) for value in column]


def has_names(case: str, file_format: str) -> bool:
    """Whether the names of an ENUM are kept: 16,384 characters in a file, 500 in the record of CSV."""
    return LARGE not in case and not (MEDIUM in case and file_format == "csv")


def is_text(case: str, file_format: str) -> bool:
    """Whether Arrow's values are written as the engine writes them: all but tuples, which Arrow has not."""
    return not case.startswith("TUPLE") or file_format == "csv"


def test_there_is_a_case_for_every_type_of_the_engine() -> None:
    with engine() as connection:
        names = {row[0] for row in connection.sql("SELECT logical_type FROM duckdb_types()").fetchall()}
        queries = (query_of(CASES), UNION, *REFUSED.values())
        tried = {kind.id.upper() for query in queries for kind in connection.sql(query).types}
    assert names - tried - {"TYPE"} == set()


@formats
@cases
def test_what_a_file_holds_is_read_back_as_it_was(
    truth: Truth, results: dict[str, Result], case: str, file_format: str
) -> None:
    result = results[file_format]
    expected, kind = truth.said[NAMES[case]]
    kind = "BIGINT" if case == "HUGEINT" else kind if has_names(case, file_format) else "VARCHAR"
    found = result.once("duckdb", lambda: said_by(data_frames.to_duckdb(result.path, result.columns)))
    assert found[NAMES[case]] == (expected, kind)
    if file_format != "csv":
        again = result.once("job", lambda: read_through_job(result.path))
        assert again[NAMES[case]] == (expected, kind)


def read_through_job(path: Path) -> Said:
    names = NAMES.values()
    asked = ", ".join(f"CAST({name} AS VARCHAR) AS t{name}, typeof({name}) AS k{name}" for name in names)
    table = run(f'SELECT {asked} FROM "{JOB_ID}"', stored=path).table()
    return {name: (table[f"t{name}"].to_pylist(), table[f"k{name}"][0].as_py()) for name in names}


@formats
@cases
def test_frames_show_the_value_or_refuse_it(
    truth: Truth,
    results: dict[str, Result],
    shown: dict[str, Result],
    tmp_path: Path,
    case: str,
    file_format: str,
) -> None:
    result = results[file_format]
    expected, name = truth.said[NAMES[case]][0], NAMES[case]
    table = result.once("table", lambda: data_frames.read_table(result.path, result.columns))
    if is_text(case, file_format):
        assert texts(table[name]) == expected
    if case in BEYOND and not (case in NESTED and file_format == "csv"):
        answer = run(query_of([case]), file_format)
        path = tmp_path / f"one.{file_format}"
        path.write_bytes(answer.data)
        for read in (data_frames.to_polars, data_frames.to_lazy, data_frames.to_pandas):
            with pytest.raises(ResultUnsuitable, match="'c0'"):
                read(path, answer.columns)
        if "_NS" in case:
            with pytest.raises(ResultUnsuitable, match="'c0'"):
                data_frames.to_arrow(path, answer.columns)
        else:
            column = data_frames.to_arrow(path, answer.columns)["c0"]
            assert texts(column) == texts(table[name])[: len(column)]
    if case in SHOWN:
        made = shown[file_format].once("frames", lambda: read_frames(shown[file_format]))
        for library, frame in made.items():
            column = frame[f"c{SHOWN.index(case)}"]
            assert texts(column) == texts(table[name])[: len(column)], library


def read_frames(result: Result) -> dict[str, pa.Table]:
    """Read a result with every verb; what each frame holds as a table of Arrow."""
    lazy = data_frames.to_lazy(result.path, result.columns).collect()
    pandas = data_frames.to_pandas(result.path, result.columns)
    for frame in (lazy, pandas, *(lazy.select(name) for name in lazy.columns)):
        assert repr(frame)
    assert isinstance(lazy, pl.DataFrame)
    return {
        "arrow": data_frames.to_arrow(result.path, result.columns),
        "lazy": lazy.to_arrow(),
        "polars": data_frames.to_polars(result.path, result.columns).to_arrow(),
        "pandas": pa.Table.from_pandas(pandas, preserve_index=False),
    }


@formats
@cases
def test_previews_and_tables_show_and_copy_what_the_engine_writes(
    truth: Truth, results: dict[str, Result], opened: dict[str, RowView], case: str, file_format: str
) -> None:
    result, rows, name = results[file_format], opened[file_format], NAMES[case]
    expected, at = truth.said[name][0], CASES.index(case)
    preview = pa.ipc.open_file(io.BytesIO(result.answer.preview)).read_all()
    if is_text(case, file_format):
        card = table_preview(preview.select([name]), len(expected))["rows"]
        assert [row[0] for row in card] == [None if text is None else cell(text) for text in expected]
    table = result.once("texts", lambda: rows.texts(ViewSpec(), 0, 100, range(len(CASES))))
    assert [row[at] for row in table] == expected
    lines = result.once("copied", lambda: rows_as_text(rows, ViewSpec(), 0, len(expected)))
    assert lines == "\n".join([tab_separated(NAMES.values()), *map(tab_separated, table)])
    assert copied_cell(rows, ViewSpec(), 0, at) == (expected[0] or "")
    if file_format == "parquet":
        return  # rows are sorted and filtered in a file of our own, whatever they came from
    if has_names(case, file_format) and not (case in NESTED and file_format == "csv"):
        assert rows.page(ViewSpec([(at, "asc")]), 0, 100, [at])[0] == truth.order[name]
    if expected[0] and case not in NESTED and case != "BLOB" and "nan" not in expected:
        same = [number for number, text in enumerate(expected) if text == expected[0]]
        assert rows.page(ViewSpec(filters={at: f'= "{expected[0]}"'}), 0, 100, [at])[0] == same


@formats
def test_a_check_names_the_columns_that_the_result_has(results: dict[str, Result], file_format: str) -> None:
    assert check(query_of(CASES), file_format) == results[file_format].answer.done["columns"]


def test_a_union_is_exact_in_arrow_and_refused_elsewhere(tmp_path: Path) -> None:
    asked = "CAST(v AS VARCHAR) AS t, union_tag(v)::VARCHAR AS k"
    with engine() as connection:
        expected = connection.sql(UNION).project(asked).fetchall()
    path = tmp_path / "result.arrow"
    path.write_bytes(run(UNION).data)
    assert data_frames.to_duckdb(path).project(asked).fetchall() == expected
    again = run(f'SELECT {asked} FROM "{JOB_ID}"', stored=path).table()
    assert [tuple(row.values()) for row in again.to_pylist()] == expected
    for read in (data_frames.to_polars, data_frames.to_lazy, data_frames.to_pandas):
        with pytest.raises(ResultUnsuitable, match="'v'"):
            read(path)
    for file_format in ("parquet", "csv"):
        with pytest.raises(InvalidQuery, match="'v'") as refused:
            check(UNION, file_format)
        assert "union_tag(v)" in str(refused.value.hint)


@formats
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_file_holds_is_refused_before_it_runs(name: str, file_format: str) -> None:
    with pytest.raises(InvalidQuery, match="'v'") as refused:
        check(REFUSED[name], file_format)
    assert "CAST(v AS VARCHAR)" in str(refused.value.hint)


def test_what_only_the_engine_itself_can_make_is_refused_too() -> None:
    with engine() as connection:
        with pytest.raises(InvalidQuery, match="type TYPE"):
            result_columns(connection.sql("SELECT get_type(5) AS v"), "arrow")
        with pytest.raises(InvalidQuery, match="without fields"):
            result_columns(connection.sql("SELECT empty_struct FROM test_all_types()"), "parquet")


@formats
def test_whole_numbers_beyond_64_bits_end_the_job_with_the_cast_to_write(file_format: str) -> None:
    with pytest.raises(InvalidQuery, match="too large") as ended:
        run("SELECT 170141183460469231731687303715884105727::HUGEINT AS v", file_format)
    assert "CAST(… AS VARCHAR)" in str(ended.value.hint)
    nested = "SELECT [170141183460469231731687303715884105727] AS v"
    if file_format == "csv":
        assert b"[170141183460469231731687303715884105727]" in run(nested, file_format).data
    else:
        with pytest.raises(InvalidQuery, match="out of range") as ended:
            run(nested, file_format)
        assert "CAST(… AS VARCHAR[])" in str(ended.value.hint)


@formats
@pytest.mark.parametrize("kind", ["DECIMAL(38, 0)", "VARCHAR"])
def test_the_casts_of_whole_numbers_keep_every_digit(file_format: str, kind: str) -> None:
    number = 99999999999999999999999999999999999999
    answer = run(f"SELECT CAST({number}::HUGEINT AS {kind}) AS v", file_format)
    if file_format == "csv":
        assert str(number).encode() in answer.data
        return
    table = answer.table() if file_format == "arrow" else parquet.read_table(io.BytesIO(answer.data))
    assert int(table["v"][0].as_py()) == number


@pytest.mark.parametrize("file_format", ["arrow", "parquet"])
def test_columns_that_differ_in_case_alone_are_told_apart(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / f"result.{file_format}"
    path.write_bytes(run("""SELECT 1 AS "A", 2 AS "a", 3 AS b""", file_format).data)

    def rows(query: str) -> list[Any]:
        return [list(row.values()) for row in run(query, stored=path).table().to_pylist()]

    assert rows(f'SELECT "a" FROM "{JOB_ID}"') == [[2]]
    assert rows(f'SELECT "A" AS a FROM "{JOB_ID}"') == [[1]]
    assert rows(f'SELECT a FROM "{JOB_ID}"') == [[2]]
    assert rows(f'FROM "{JOB_ID}"') == [[1, 2, 3]]
    with pytest.raises(InvalidQuery, match='"A" and "a"'):
        run(f'SELECT "a", "A" FROM "{JOB_ID}"', stored=path)
    assert data_frames.to_duckdb(path).fetchall() == [(1, 2, 3)]


@pytest.mark.parametrize("file_format", ["arrow", "parquet"])
def test_a_column_may_have_any_name(tmp_path: Path, file_format: str) -> None:
    names = ["__filename", "__batch_index", "a.b", 'say "x"', "n\nm", "$v", "c1"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    listed = ", ".join(f"{number} AS {name}" for number, name in enumerate(quoted))
    path = tmp_path / f"result.{file_format}"
    path.write_bytes(run(f"SELECT {listed}, uuid() AS u", file_format).data)
    table = run(f'SELECT {", ".join(reversed(quoted))} FROM "{JOB_ID}"', stored=path).table()
    assert table.to_pylist() == [{name: number for number, name in enumerate(names)}]
    assert data_frames.to_arrow(path).column_names == [*names, "u"]


def test_an_error_of_a_converted_query_is_where_the_text_has_it() -> None:
    with pytest.raises(InvalidQuery, match="Could not convert string 'x'") as raised:
        run("SELECT uuid() AS u,\n  s::INTEGER AS n FROM (VALUES ('x')) t(s)")
    assert (raised.value.line, raised.value.column) == (2, 4)


def test_parameters_that_fractions_would_round_are_refused() -> None:
    with pytest.raises(InvalidQuery, match="9007199254740993 beside fractions"):
        run("SELECT $x AS v", parameters={"x": [9007199254740993, 0.5]})
    assert run("SELECT $x AS v", parameters={"x": [9007199254740993]}).table()["v"][0].as_py() == [2**53 + 1]


def test_the_page_of_types_is_written_from_these_cases() -> None:
    assert PATH.read_text("utf-8") == page(), "write it again: python scripts/write_types.py"


def test_columns_of_csv_keep_their_types_under_any_name(tmp_path: Path) -> None:
    names = ["n" * 300, 'say "x"', "two\nlines", "a,b"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    listed = ", ".join(f"'00{number}'::ENUM('00{number}') AS {name}" for number, name in enumerate(quoted))
    answer = run(f"SELECT {listed}", "csv")
    path = tmp_path / "result.csv"
    path.write_bytes(answer.data)
    found = data_frames.to_arrow(path, answer.columns).to_pylist()
    assert found == [{name: f"00{number}" for number, name in enumerate(names)}]


def test_csv_has_rows_of_any_length(tmp_path: Path) -> None:
    answer = run("SELECT i, repeat('x', 100 + i * 2500000) AS t FROM range(3) r(i)", "csv")
    path = tmp_path / "result.csv"
    path.write_bytes(answer.data)
    table = data_frames.to_arrow(path, answer.columns)
    assert [(row["i"], len(row["t"])) for row in table.to_pylist()] == [
        (i, 100 + i * 2500000) for i in range(3)
    ]
