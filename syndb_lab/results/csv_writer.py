"""A CSV writer for tables of any type: types without a form in CSV are written as the engine's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syndb_lab.results.duckdb_text import TEXT, cast_columns, iter_slices

if TYPE_CHECKING:
    import pyarrow


def write_csv(table: pyarrow.Table, sink: Any) -> None:
    """Write a table in the form of a job's CSV result: NULL is an empty field, an empty text is ``""``.

    Parameters
    ----------
    table : pyarrow.Table
        The rows.
    sink : path or writable file
        The output.
    """
    from pyarrow import csv

    casts = {number: TEXT for number, field in enumerate(table.schema) if not is_plain(field.type)}
    texts = cast_columns(table.slice(0, 0), casts)
    with csv.CSVWriter(sink, texts.schema) as writer:
        for part in iter_slices(table):
            writer.write_table(cast_columns(part, casts).cast(texts.schema))


def is_plain(kind: pyarrow.DataType) -> bool:
    """Whether CSV can hold every value of a type without a cast."""
    from pyarrow import types

    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_decimal(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
    )
