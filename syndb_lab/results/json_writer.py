"""A JSON writer for tables: standard JSON without NaN, and without numbers that a parser would round."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.date_times import quote_identifier
from syndb_lab.results.duckdb_text import TEXT, cast_columns, iter_slices

if TYPE_CHECKING:
    import pyarrow

    Writer = Callable[[Any], Any]

MAX_EXACT: Final = 1 << 53
CONTROLS: Final = re.compile("[\x7f-\x9f]")
DAY_AND_TIME: Final = re.compile(r"(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d[.\d]*)(?:([+-]\d\d)(:\d\d)?)?")
INTEGERS: Final = {
    **{"int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT"},
    **{"uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT"},
}


def write_json(table: pyarrow.Table, path: Path, *, lines: bool) -> int:
    """Write a table as a list of objects, or as one object on each line.

    If a column, or a nested field, has an integer beyond 2^53, all its integers are written as text, because
    JavaScript would round them. Decimals, dates, times and bytes are text, and a map is an object.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    path : Path
        The file.
    lines : bool
        Whether to write one object on each line.

    Returns
    -------
    int
        Number of NaN and infinite values, which are written as null because JSON has neither.
    """
    plan = JsonPlan(table)
    head, between, tail = ("", "\n", "\n") if lines else ("[", ",\n", "]\n")
    with path.open("w", encoding="utf-8") as file:
        file.write(head)
        first = True
        for part in iter_slices(table):
            for row in plan.rows(part):
                file.write(("" if first else between) + dump_json(row))
                first = False
        file.write(tail if table.num_rows or not lines else "")
    return plan.nulled


def dump_json(value: Any) -> str:
    r"""Write a value as JSON on one line, with control characters escaped.

    Examples
    --------
    >>> dump_json({"ü": "\x1b[2J\x9b"})
    '{"ü": "\\u001b[2J\\u009b"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class JsonPlan:
    """The form in which each column of a table is written, the same in all its slices.

    Parameters
    ----------
    table : pyarrow.Table
        All rows, which are searched for integers beyond 2^53.
    """

    def __init__(self, table: pyarrow.Table) -> None:
        self.nulled = 0
        self._casts: dict[int, str] = {}
        self._writers: list[Writer] = []
        for number, field in enumerate(table.schema):
            chunks = [chunk for chunk in table.column(number).chunks if len(chunk)]
            kind, writer = self._leaf(field.type, chunks)
            self._writers.append(writer)
            if kind != _own_type(field.type):
                self._casts[number] = kind

    def rows(self, part: pyarrow.Table) -> Iterable[dict[str, Any]]:
        """Yield the rows of a slice as JSON values."""
        names = part.column_names
        columns = [column.to_pylist() for column in cast_columns(part, self._casts).columns]
        for row in zip(*columns, strict=True) if columns else [()] * part.num_rows:
            values = zip(self._writers, row, strict=True)
            yield dict(zip(names, [None if v is None else write(v) for write, v in values], strict=True))

    def _leaf(self, kind: pyarrow.DataType, arrays: list[Any]) -> tuple[str, Writer]:
        """Return the SQL type to which a type is cast, and the function that converts its values to JSON."""
        from pyarrow import types

        if types.is_boolean(kind):
            return "BOOLEAN", _same
        if types.is_integer(kind):
            return (TEXT if _is_beyond(arrays) else INTEGERS[str(kind)]), _same
        if types.is_float32(kind) or types.is_float64(kind):
            return ("FLOAT" if types.is_float32(kind) else "DOUBLE"), self._finite
        if types.is_timestamp(kind):
            return TEXT, _format_timestamp
        if types.is_struct(kind):
            return self._struct(kind, arrays)
        if types.is_map(kind):
            item, writer = self._leaf(kind.item_type, [array.items for array in arrays])
            return f"MAP({TEXT}, {item})", lambda pairs: {key: _or_null(writer, v) for key, v in pairs}
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            item, writer = self._leaf(kind.value_type, [array.flatten() for array in arrays])
            size = kind.list_size if types.is_fixed_size_list(kind) else ""
            return f"{item}[{size}]", lambda values: [_or_null(writer, value) for value in values]
        return TEXT, _same

    def _struct(self, kind: pyarrow.DataType, arrays: list[Any]) -> tuple[str, Writer]:
        leaves = [
            (kind.field(i).name, *self._leaf(kind.field(i).type, [array.field(i) for array in arrays]))
            for i in range(kind.num_fields)
        ]
        writers = {name: writer for name, _, writer in leaves}
        fields = ", ".join(f"{quote_identifier(name)} {item}" for name, item, _ in leaves)
        return f"STRUCT({fields})", lambda values: {
            name: _or_null(writers[name], value) for name, value in values.items()
        }

    def _finite(self, value: float) -> float | None:
        if math.isfinite(value):
            return value
        self.nulled += 1
        return None


def _own_type(kind: pyarrow.DataType) -> str:
    """Return the SQL type of a column that needs no cast; empty for one that does."""
    from pyarrow import types

    if types.is_string(kind) or types.is_large_string(kind):
        return TEXT
    plain = {"bool": "BOOLEAN", "float": "FLOAT", "double": "DOUBLE", **INTEGERS}
    return plain.get(str(kind), "")


def _is_beyond(arrays: list[Any]) -> bool:
    import pyarrow.compute as pc

    ends = [end for array in arrays for end in pc.min_max(array).as_py().values()]
    return any(end is not None and abs(end) > MAX_EXACT for end in ends)


def _or_null(writer: Writer, value: Any) -> Any:
    return None if value is None else writer(value)


def _same(value: Any) -> Any:
    return value


def _format_timestamp(text: str) -> str:
    """Convert the engine's text of a timestamp to ISO 8601; 'infinity' and years before 1 stay.

    Examples
    --------
    >>> _format_timestamp("2024-01-01 01:02:03.5+00"), _format_timestamp("infinity")
    ('2024-01-01T01:02:03.5+00:00', 'infinity')
    """
    match = DAY_AND_TIME.fullmatch(text)
    if match is None:
        return text
    day, time, hours, minutes = match.groups()
    return f"{day}T{time}" + (f"{hours}{minutes or ':00'}" if hours else "")
