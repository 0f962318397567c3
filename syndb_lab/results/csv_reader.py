"""CSV results as Arrow tables: each column has the type in the job's record, and no type is guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.column_types import MARK
from syndb_lab.conversion.date_times import timestamp_number
from syndb_lab.errors import ResultUnsuitable

if TYPE_CHECKING:
    import pyarrow

BLOCK_BYTES: Final = 1 << 20
LARGEST_BLOCK: Final = 2**31 - 1
ESCAPED: Final = re.compile(rb"\\x([0-9A-Fa-f]{2})")
TIMESTAMP: Final = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=(.+))?\]")
DECIMAL: Final = re.compile(r"decimal128\((\d+), (\d+)\)")


def read_csv(path: Path, columns: Sequence[dict[str, Any]]) -> pyarrow.Table:
    """Read CSV with the recorded types; an empty field is NULL, and ``""`` is an empty text.

    Lists, structs and maps stay text, as the engine wrote them.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of dict
        ``name``, ``type`` and ``sql_type`` of each column, as in the job's record. Without them Arrow guesses
        the types.
    """
    import pyarrow as pa

    columns = [{**column, "name": name} for column, name in zip(columns, header(path), strict=False)]
    types = {column["name"]: arrow_type(column["type"]) for column in columns}
    late = {name: kind for name, kind in types.items() if pa.types.is_binary(kind)}
    try:
        try:
            table = _read(path, {name: pa.string() if name in late else kind for name, kind in types.items()})
        except pa.ArrowInvalid:
            late |= {name: kind for name, kind in types.items() if pa.types.is_temporal(kind)}
            table = _read(path, {name: pa.string() if name in late else kind for name, kind in types.items()})
        for name, kind in late.items():
            index = table.schema.get_field_index(name)
            table = table.set_column(index, pa.field(name, kind), _convert_column(table.column(index), kind))
    except (pa.ArrowInvalid, ValueError) as error:
        raise ResultUnsuitable(
            f"the CSV result can't be read as a table: {error}",
            hint='Submit the query with format="arrow", or read the file yourself: job.result_path().',
        ) from error
    return table.cast(_mark_text_columns(table.schema, columns))


def header(path: Path) -> list[str]:
    """Read the column names from the file, because the record shortens long ones."""
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def arrow_type(name: str) -> pyarrow.DataType:
    """Return the Arrow type for a type name of the record; text for a type that CSV has no form for.

    Examples
    --------
    >>> arrow_type("int64"), arrow_type("dictionary<values=string, indices=uint8, ordered=0>")
    (DataType(int64), DataType(string))
    """
    import pyarrow as pa

    if decimal := DECIMAL.fullmatch(name):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if timestamp := TIMESTAMP.fullmatch(name):
        return pa.timestamp(timestamp[1], tz=timestamp[2])
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return pa.string()


def _read(path: Path, types: dict[str, pyarrow.DataType]) -> pyarrow.Table:
    """Read the file; on a failure retry with larger blocks, until the longest row fits into one."""
    import pyarrow as pa
    from pyarrow import csv

    convert = csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    size, block = path.stat().st_size, BLOCK_BYTES
    while True:
        try:
            read = csv.ReadOptions(block_size=block)
            return csv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)
        except pa.ArrowInvalid as error:
            if "conversion error" in str(error) or block > size or block == LARGEST_BLOCK:
                raise
            block = min(block * 16, LARGEST_BLOCK)


def _convert_column(column: pyarrow.ChunkedArray, kind: pyarrow.DataType) -> pyarrow.ChunkedArray:
    """Convert a text column to bytes, or to dates or timestamps, also infinite or beyond Python's range."""
    import pyarrow as pa

    chunks = []
    for chunk in column.chunks:
        if pa.types.is_binary(kind):
            chunks.append(
                pa.array([None if text is None else as_bytes(text) for text in chunk.to_pylist()], kind)
            )
            continue
        numbers = [None if text is None else timestamp_number(kind, text) for text in chunk.to_pylist()]
        plain = pa.int32() if kind.bit_width == 32 else pa.int64()
        chunks.append(pa.array(numbers, plain).cast(kind))
    return pa.chunked_array(chunks, kind)


def as_bytes(text: str) -> bytes:
    r"""Parse bytes from the engine's text.

    Examples
    --------
    >>> as_bytes("a\\x00\\xFF")
    b'a\x00\xff'
    """
    return ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text.encode())


def _mark_text_columns(schema: pyarrow.Schema, columns: Sequence[dict[str, Any]]) -> pyarrow.Schema:
    """Mark in the schema the text columns that hold values of another SQL type."""
    import pyarrow as pa

    engine_types = {column["name"]: column.get("sql_type") for column in columns}
    fields = []
    for field in schema:
        kind = engine_types.get(field.name)
        if kind and kind != "VARCHAR" and pa.types.is_string(field.type):
            field = field.with_metadata({MARK: kind})
        fields.append(field)
    return pa.schema(fields)
