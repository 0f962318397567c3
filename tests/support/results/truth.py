"""What a query gives when DuckDB runs it directly, and comparing every value with that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from syndb_lab.results.duckdb_text import decode_dictionaries
from tests.support.results.cases import Case, quoted

READ_AS_TYPED = ("FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN", "TIMESTAMP", "DATE")


class Truth:
    """The rows of a case, as DuckDB itself computes them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._engine = duckdb.connect()
        self._engine.execute("SET TimeZone = 'UTC'")
        names = ", ".join(f"c{number}" for number in range(len(case.columns)))
        self._engine.execute(f"CREATE TABLE truth({', '.join(self._declared())})")
        self._engine.execute(f"INSERT INTO truth SELECT * FROM ({case.sql}) AS t({names})")
        self.texts = self._as_texts("truth", [f"c{number}" for number in range(len(case.columns))])

    def _declared(self) -> list[str]:
        return [f"c{number} {column.type}" for number, column in enumerate(self.case.columns)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def compare(self, found: pa.Table, way: str, rows: slice | None = None) -> None:
        """Hold a table against the truth, value by value."""
        names = [f"c{number}" for number in range(found.num_columns)]
        self._engine.register("found", decode_dictionaries(found.rename_columns(names)))
        try:
            self._same(self._as_texts("found", names), way, rows)
        finally:
            self._engine.unregister("found")

    def compare_csv(self, path: Path, way: str) -> None:
        """Hold a CSV file against the truth, read by DuckDB's own reader and nothing of ours."""
        kinds = {f"c{number}": "VARCHAR" for number in range(len(self.case.columns))}
        found = self._engine.sql(
            f"""SELECT * FROM read_csv('{path}', columns = {kinds}, header = true, delim = ',', quote = '"',
                escape = '"', nullstr = '', allow_quoted_nulls = false, max_line_size = 16000000,
                parallel = false, strict_mode = true, auto_detect = false)"""
        )
        columns = [
            f"CAST(CAST({name} AS {column.type}) AS VARCHAR)"
            if column.type.startswith(READ_AS_TYPED) and not column.type.endswith("]")
            else name
            for name, column in zip(kinds, self.case.columns, strict=True)
        ]
        self._same(found.project(", ".join(columns)).to_arrow_table(), way, None)

    def compare_json(self, rows: Sequence[dict[str, Any]], way: str) -> None:
        """Hold objects of JSON against the truth, value by value."""
        values = self._engine.sql("FROM truth").fetchall()
        assert len(rows) == len(values), (way, len(rows), len(values))
        texts = [column.to_pylist() for column in self.texts.columns]
        for number, (row, expected) in enumerate(zip(rows, values, strict=True)):
            for at, (found, value) in enumerate(zip(row.values(), expected, strict=True)):
                text = texts[at][number]
                as_text = self.case.format == "csv" and isinstance(
                    value, list | tuple | dict
                )  # CSV has no nesting
                assert found == text if as_text else is_same_json(found, value, text), (
                    f"{way}: row {number}, {self.case.columns[at]}: {found!r} is not {value!r}"
                )

    def order(self, sort: Sequence[tuple[int, str]], contains: dict[int, str]) -> list[int]:
        """Number the rows as sorted and filtered."""
        where = (
            " AND ".join(f"contains(lower(CAST(c{at} AS VARCHAR)), lower(?))" for at in contains) or "true"
        )
        keys = ", ".join([*(f"c{at} {way} NULLS LAST" for at, way in sort), "rowid"])
        sql = f"SELECT rowid FROM truth WHERE {where} ORDER BY {keys}"
        found = self._engine.sql(sql, params=list(contains.values())).to_arrow_table()
        return list(found.column(0).to_pylist())

    def _as_texts(self, name: str, columns: Sequence[str]) -> pa.Table:
        casts = ", ".join(f"CAST({column} AS VARCHAR) AS {column}" for column in columns)
        return self._engine.sql(f"SELECT {casts} FROM {name}").to_arrow_table()

    def _same(self, found: pa.Table, way: str, rows: slice | None) -> None:
        expected = self.texts if rows is None else self.texts.slice(rows.start, rows.stop - rows.start)
        shape = (expected.num_rows, expected.num_columns)
        assert (found.num_rows, found.num_columns) == shape, (
            f"{way} of {self.case}: {found.shape}, not {shape}"
        )
        for number, column in enumerate(self.case.columns):
            left = pa.chunked_array(found.column(number), pa.string()).combine_chunks()
            right = pa.chunked_array(expected.column(number), pa.string()).combine_chunks()
            if left.equals(right):
                continue
            same = pc.fill_null(pc.equal(left, right), False)
            both = pc.and_(pc.is_null(left), pc.is_null(right))
            wrong = pc.indices_nonzero(pc.invert(pc.or_(same, both))).to_pylist()
            first = wrong[0]
            raise AssertionError(
                f"{way} of {self.case}: {len(wrong):,} of {len(left):,} values of {quoted(column.name)} "
                f"({column.type}) are wrong, the first in row {first:,}: "
                f"{str(left[first])[:200]!r}, not {str(right[first])[:200]!r}"
            )


def is_same_json(found: Any, value: Any, text: str | None = None) -> bool:
    """Whether a value of JSON says a value of Python; ``text`` is the engine's, of a value of no nesting."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return found is None
    if isinstance(value, bool | float):
        return found == value and type(found) is not str
    if isinstance(value, int):
        return str(found) == str(value) and (abs(value) <= 1 << 53 or isinstance(found, str))
    if isinstance(value, list | tuple):
        return isinstance(found, list) and len(found) == len(value) and all(map(is_same_json, found, value))
    if isinstance(value, dict):
        by_text = {str(key): one for key, one in value.items()}
        return (
            isinstance(found, dict)
            and list(found) == list(by_text)
            and all(is_same_json(found[key], one) for key, one in by_text.items())
        )
    if text is None:
        text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    if isinstance(value, datetime):
        return isinstance(found, str) and plain_moment(found) == plain_moment(text)
    return isinstance(found, str) and found in {text, str(value)}


def plain_moment(text: str) -> str:
    """Write a moment without what forms differ in."""
    moment, fraction, part = text.replace("T", " ").replace("+00:00", "+00").partition(".")
    return moment + fraction + part.rstrip("0") if "+" not in part else f"{moment}.{part}"


def read_json(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON, or of an object a line, as a strict parser does."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line, parse_constant=refuse) for line in text.split("\n") if line]
    found: list[dict[str, Any]] = json.loads(text, parse_constant=refuse)
    return found
