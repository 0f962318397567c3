"""Writers of results as Arrow IPC, Parquet or CSV, with distinct column names and 64-bit integer sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, parquet

from syndb_service.errors import InvalidQuery

ARROW_ERRORS: Final = (pa.ArrowNotImplementedError, pa.ArrowInvalid)
"""What a writer or a cast raises for a type or value that its format can't represent."""

KEEP_DIGITS: Final = (
    "Results hold whole numbers in 64 bits, up to 9223372036854775807. CAST(… AS DECIMAL(38, 0)) keeps those"
    " of up to 38 digits, CAST(… AS VARCHAR) every digit, CAST(… AS DOUBLE) rounds. In a list:"
    " CAST(… AS VARCHAR[])."
)

BATCH_ROWS: Final = 131_072
BATCH_BYTES: Final = 64 * 1024**2


def rebatch(reads: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Combine small batches into those of a result: 131,072 rows, or fewer if rows are wide.

    The copy takes no measurable time, because the data is still in the processor's cache.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for read in reads:
        held.append(read)
        rows += read.num_rows
        size += read.get_total_buffer_size()  # nbytes takes 60 times as long
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            yield _concat(held)
            held, rows, size = [], 0, 0
    if held:
        yield _concat(held)


def _concat(held: list[pa.RecordBatch]) -> pa.RecordBatch:
    return held[0] if len(held) == 1 else pa.concat_batches(held)


@contextmanager
def open_writer(kind: str, sink: Any, schema: pa.Schema) -> Iterator[Any]:
    """Open a writer of record batches in the given format."""
    if kind == "parquet":
        writer = parquet.ParquetWriter(sink, schema, compression="zstd")
    elif kind == "csv":
        writer = csv.CSVWriter(sink, schema)
    else:
        writer = ipc.new_file(sink, schema, options=ipc.IpcWriteOptions(compression="lz4"))
    with writer:
        yield writer


def unwritable_error(kind: str, batch: pa.RecordBatch) -> InvalidQuery:
    """Return the error for a column that a format can't represent; writes each column to find it."""
    for number, field in enumerate(batch.schema):
        alone = batch.select([number])
        try:
            with open_writer(kind, pa.BufferOutputStream(), alone.schema) as writer:
                writer.write_batch(alone)
        except ARROW_ERRORS:
            return InvalidQuery(
                f"{kind} can't hold the column {field.name!r} of type {field.type}",
                hint="Turn it into text (CAST(… AS VARCHAR), to_json(…)), or ask for another format.",
            )
    return InvalidQuery(f"{kind} can't hold this result", hint="Ask for another format.")


def deduplicate_names(schema: pa.Schema, metadata: dict[str, str] | None = None) -> pa.Schema:
    """Make column names distinct (``n``, ``n_1``), as data frames require, and attach metadata."""
    taken: set[str] = set()
    fields = []
    for field in schema:
        name, count = field.name, 0
        while name in taken:
            count += 1
            name = f"{field.name}_{count}"
        taken.add(name)
        fields.append(field.with_name(name))
    return pa.schema(fields, metadata=metadata)


def integer_sums(schema: pa.Schema, types: Sequence[str]) -> pa.Schema:
    """Turn 128-bit integers, the engine's type for a ``sum`` of integers, into 64-bit ones."""
    fields = [
        field.with_type(pa.int64()) if kind == "HUGEINT" else field
        for field, kind in zip(schema, types, strict=True)
    ]
    return pa.schema(fields, metadata=schema.metadata)


def cast_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast a batch to a schema that differs only in names and in integer sums.

    Raises
    ------
    InvalidQuery
        If an integer needs more than 64 bits.
    """
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        if column.type != field.type:
            try:
                column = column.cast(field.type)
            except ARROW_ERRORS:
                raise InvalidQuery(
                    f"a value of the column {field.name!r} is too large for a 64-bit integer",
                    hint=KEEP_DIGITS,
                ) from None
        if pa.types.is_dictionary(column.type) and column.null_count:
            column = _with_valid_indices(column)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _with_valid_indices(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """Set the index of null rows to 0: the engine leaves any number there, and polars reads it."""
    indices = column.indices
    buffers = [indices.is_valid().buffers()[1], pc.fill_null(indices, 0).buffers()[1]]
    valid = pa.Array.from_buffers(indices.type, len(indices), buffers)
    return pa.DictionaryArray.from_arrays(valid, column.dictionary)
