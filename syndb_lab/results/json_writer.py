"""A table as JSON that every parser takes: no NaN, no id that is rounded, no value of Python's own."""

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

MOST_EXACT: Final = 1 << 53
CONTROLS: Final = re.compile("[\x7f-\x9f]")
DAY_AND_TIME: Final = re.compile(r"(\d+-\d\d-\d\d) (\d\d:\d\d:\d\d[.\d]*)(?:([+-]\d\d)(:\d\d)?)?")
INTEGERS: Final = {
    **{"int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT"},
    **{"uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT"},
}


def write_json(table: pyarrow.Table, path: Path, *, lines: bool) -> int:
    """Write a table as a list of objects, or as an object a line.

    Whole numbers are texts throughout a column, or a field inside of one, that has any beyond 2^53, as
    JavaScript would round them. Decimals, dates, times and bytes are texts, a map is an object.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    path : Path
        The file.
    lines : bool
        Whether to write an object a line.

    Returns
    -------
    int
        How many values are NaN or infinite, and are null here, as JSON has neither.
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
    r"""Write JSON on a line, none of whose characters acts on a terminal.

    Examples
    --------
    >>> dump_json({"ü": "\x1b[2J\x9b"})
    '{"ü": "\\u001b[2J\\u009b"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class JsonPlan:
    """How each column of a table is written, whatever its slices hold.

    Parameters
    ----------
    table : pyarrow.Table
        All rows: whether a number is beyond 2^53 is looked for in all of them.
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
        """Give the rows of a slice as JSON has them."""
        names = part.column_names
        columns = [column.to_pylist() for column in cast_columns(part, self._casts).columns]
        for row in zip(*columns, strict=True) if columns else [()] * part.num_rows:
            values = zip(self._writers, row, strict=True)
            yield dict(zip(names, [None if v is None else write(v) for write, v in values], strict=True))

    def _leaf(self, kind: pyarrow.DataType, arrays: list[Any]) -> tuple[str, Writer]:
        """Name the engine's type to which a type is cast, and give what makes JSON of Python's value."""
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
            return f"MAP({TEXT}, {item})", lambda pairs: {key: _or_null(writer, one) for key, one in pairs}
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            item, writer = self._leaf(kind.value_type, [array.flatten() for array in arrays])
            size = kind.list_size if types.is_fixed_size_list(kind) else ""
            return f"{item}[{size}]", lambda values: [_or_null(writer, one) for one in values]
        return TEXT, _same

    def _struct(self, kind: pyarrow.DataType, arrays: list[Any]) -> tuple[str, Writer]:
        found = [
            (kind.field(at).name, *self._leaf(kind.field(at).type, [array.field(at) for array in arrays]))
            for at in range(kind.num_fields)
        ]
        writers = {name: writer for name, _, writer in found}
        fields = ", ".join(f"{quote_identifier(name)} {item}" for name, item, _ in found)
        return f"STRUCT({fields})", lambda values: {
            name: _or_null(writers[name], one) for name, one in values.items()
        }

    def _finite(self, value: float) -> float | None:
        if math.isfinite(value):
            return value
        self.nulled += 1
        return None


def _own_type(kind: pyarrow.DataType) -> str:
    """Name the type of a column that goes as it is; nothing where it has to be cast."""
    from pyarrow import types

    if types.is_string(kind) or types.is_large_string(kind):
        return TEXT
    plain = {"bool": "BOOLEAN", "float": "FLOAT", "double": "DOUBLE", **INTEGERS}
    return plain.get(str(kind), "")


def _is_beyond(arrays: list[Any]) -> bool:
    import pyarrow.compute as pc

    ends = [end for array in arrays for end in pc.min_max(array).as_py().values()]
    return any(end is not None and abs(end) > MOST_EXACT for end in ends)


def _or_null(writer: Writer, value: Any) -> Any:
    return None if value is None else writer(value)


def _same(value: Any) -> Any:
    return value


def _format_timestamp(text: str) -> str:
    """Write the engine's text of a moment as ISO 8601 has it; 'infinity' and years before 1 stay.

    Examples
    --------
    >>> _format_timestamp("2024-01-01 01:02:03.5+00"), _format_timestamp("infinity")
    ('2024-01-01T01:02:03.5+00:00', 'infinity')
    """
    found = DAY_AND_TIME.fullmatch(text)
    if found is None:
        return text
    day, time, hours, minutes = found.groups()
    return f"{day}T{time}" + (f"{hours}{minutes or ':00'}" if hours else "")
