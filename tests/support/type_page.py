"""The page ``docs/types.md``: what each type of DuckDB becomes, taken from results of the test's cases."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Final

import pyarrow as pa

from syndb_lab.display.table_preview import table_preview
from syndb_lab.notebook.table.clipboard import copied_cell
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.results import data_frames
from syndb_lab.results.json_writer import write_json
from tests.support.type_cases import FORMATS, JOB_ID, VALUES, query_of, run, type_name

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "types.md"
SHOWN: Final = [case for case in VALUES if not case.endswith("beyond") and len(case) < 100]
HEADS: Final = (
    *("DuckDB", "Arrow", "Parquet", "CSV, read as", "polars", "pandas", "NumPy", "example", "card"),
    *("clipboard", "`.json` file", "`{{job}}`, `to_duckdb()`"),
)
INTRODUCTION: Final = """# What each type becomes

A result holds every value as DuckDB has it, or as text that says it exactly, or the query is refused when
it is submitted (`lab.validate` says so, too), with the cast to write. This page is written by
`scripts/write_types.py` from the cases of `tests/unit/service/test_types.py`, which hold every type, with
its extremes, NULL and nested in others, against DuckDB run directly.

What a file holds as another type than DuckDB's is marked: the field's metadata has `syndb.type` in Arrow
and Parquet, and the column of the job's record has `sql_type`. With it `{{job}}` and `to_duckdb()` give the
type back, and the table (`job.table()`) sorts and compares by it.

- **Text**, since Arrow has no exact place for them: `UHUGEINT` (such as `md5_number()`), `BIGNUM`, `BIT`,
  `INTERVAL`, `GEOMETRY`, and times of day (Arrow's end before 24:00:00 and have no offset); `ENUM` inside
  of lists, structs, maps.
- **Whole sums** (`HUGEINT`) are 64-bit integers, inside of lists, too: the type is decided before the query
  runs, whatever its values. A value beyond ends the job, which says so: write `CAST(… AS DECIMAL(38, 0))` to
  keep a number of up to 38 digits, `CAST(… AS VARCHAR)` to keep every digit. CSV holds those inside of lists.
- **Refused when submitted**: `VARIANT` and `TYPE` in every format; `UNION` in Parquet and CSV, and where a
  member is text as above. In Arrow a `UNION` is a sparse union, which polars and pandas refuse by name.
- **Moments** are exact in every file, the infinite ones too (as the largest number of their type). polars
  and pandas have no infinite dates and timestamps, and none before the year 1 or after 9999: `to_polars()`,
  `to_lazy()` and `to_pandas()` name the column and refuse. `to_arrow()` refuses infinite timestamps of
  nanoseconds alone, which Arrow shows as the year 2262.
- **CSV** has no types: `job.to_arrow()` and the others read it by the job's record and guess nothing. NULL
  is an empty field, an empty text is `""`. Lists, structs and maps are DuckDB's text, which `to_duckdb()`
  reads back. `{{job}}` reads Arrow and Parquet.
- **ENUM** keeps its order in `{{job}}`, `to_duckdb()` and the table, where its names have up to 16,384
  characters together; of a longer one the names come as text. In CSV they may have 500.
- Moments with a time zone are in UTC. A column called `A` beside one called `a`: SQL takes both for one
  name, so `{{job}}` gives the one that the query writes, and refuses a query that writes both.
- **NumPy**: `table["name"].to_numpy()` makes floats of whole numbers beside NULL and rounds ids; drop or
  fill NULL before. A `.json` file, which `syndb-lab query -o` writes, has null for NaN and infinite
  numbers, as JSON has none.
- **Parameters**: moments keep their nanoseconds; a list of whole numbers beyond 2^53 and fractions is
  refused, since the fractions would round them.

"""


def page() -> str:
    """Return the page as it is checked in."""
    query = query_of(SHOWN)
    answers = {file_format: run(query, file_format) for file_format in FORMATS}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for file_format, answer in answers.items():
            paths[file_format] = Path(folder, f"result.{file_format}")
            paths[file_format].write_bytes(answer.data)
        columns = {file_format: answer.columns for file_format, answer in answers.items()}
        tables = {
            file_format: data_frames.read_table(paths[file_format], columns[file_format])
            for file_format in FORMATS
        }
        table = tables["arrow"]
        polars, pandas = data_frames.to_polars(paths["arrow"]), data_frames.to_pandas(paths["arrow"])
        preview = pa.ipc.open_file(io.BytesIO(answers["arrow"].preview)).read_all()
        write_json(table, Path(folder, "result.json"), lines=False)
        objects = json.loads(Path(folder, "result.json").read_text("utf-8"))
        names = ", ".join(f"typeof(c{number}) AS c{number}" for number in range(len(SHOWN)))
        again = run(f'SELECT {names} FROM "{JOB_ID}" LIMIT 1', stored=paths["arrow"]).table().to_pylist()[0]
        rows = RowView(paths["arrow"], columns["arrow"])
        lines = []
        for number, case in enumerate(SHOWN):
            name = f"c{number}"
            shown = table_preview(preview.select([name]), None)["rows"][0][0]
            cells = [
                type_name(case).strip('"'),
                *(str(tables[each].schema.field(name).type) for each in ("arrow", "parquet", "csv")),
                str(polars.schema[name]),
                str(pandas[name].dtype).removesuffix("[pyarrow]"),
                str(table[name].drop_null().to_numpy().dtype),
                VALUES[case][0] if VALUES[case] else "NULL",
                "NULL" if shown is None else shown,
                copied_cell(rows, ViewSpec(), 0, number),
                json.dumps(objects[0][name], ensure_ascii=False),
                again[name].strip('"'),
            ]
            lines.append(f"| {' | '.join(map(code, cells))} |")
        rows.close()
    head = f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}\n"
    return INTRODUCTION + head + "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Write a cell of the table."""
    plain = text.replace("|", "\\|").replace("\n", " ")
    short = plain if len(plain) <= 50 else f"{plain[:49]}…"
    return f"`` {short} ``" if "`" in short else f"`{short}`" if short.strip() else ""
