"""The chunks of a result file: record batches, row groups, or batches of an uncompressed copy."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from syndb_lab.results.cache_directory import held_part
from syndb_lab.results.download import unwritable
from syndb_lab.results.library_startup import start_arrow

if TYPE_CHECKING:
    import pyarrow

MAGIC_BYTES: Final = 8


class Chunks(Protocol):
    """The chunks of a file, in the order of its rows."""

    schema: pyarrow.Schema
    lengths: list[int]

    def chunk(self, index: int, columns: Sequence[int] | None) -> Any:
        """Read a chunk, with all or only these columns."""

    def close(self) -> None:
        """Close the file."""


class ArrowChunks:
    """The record batches of an Arrow file, which is mapped into memory."""

    def __init__(self, path: Path) -> None:
        start_arrow()
        import pyarrow as pa

        self._file = pa.memory_map(str(path))
        self.schema = pa.ipc.open_file(self._file).schema
        self.lengths = list(batch_lengths(self._file))

    def chunk(self, index: int, columns: Sequence[int] | None) -> pyarrow.RecordBatch:
        """Read a record batch; only these columns are decompressed."""
        import pyarrow as pa

        if columns is None:
            return pa.ipc.open_file(self._file).get_batch(index)
        wanted = sorted(set(columns))
        options = pa.ipc.IpcReadOptions(included_fields=wanted)
        batch = pa.ipc.open_file(self._file, options=options).get_batch(index)
        return batch.select([wanted.index(column) for column in columns])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetChunks:
    """The row groups of a Parquet file."""

    def __init__(self, path: Path) -> None:
        start_arrow()
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path, memory_map=True)
        self.schema = self._file.schema_arrow
        groups = self._file.metadata.num_row_groups
        self.lengths = [self._file.metadata.row_group(index).num_rows for index in range(groups)]
        self._by_name = len(set(self.schema.names)) == len(self.schema) and "." not in "".join(
            self.schema.names
        )

    def chunk(self, index: int, columns: Sequence[int] | None) -> pyarrow.Table:
        """Read a row group; if column names are unique, only these columns."""
        if columns is None or not self._by_name:
            table = self._file.read_row_group(index)
            return table if columns is None else table.select(list(columns))
        names = [self.schema.names[column] for column in columns]
        return self._file.read_row_group(index, columns=names).select(names)

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)


class UncompressedFile:
    """An uncompressed copy of a result, mapped into memory; the file has no name after it is opened.

    Parameters
    ----------
    template : Path
        Path of a file in the folder for the copy.
    schema : pyarrow.Schema
        The result's columns.
    batches : iterator
        The result's rows.
    """

    def __init__(self, template: Path, schema: pyarrow.Schema, batches: Iterator[Any]) -> None:
        import pyarrow as pa

        self.schema = schema
        self.lengths: list[int] = []
        try:
            with held_part(template) as name:
                self._write(name, batches)
                self._file = pa.memory_map(str(name))
        except OSError as error:
            raise unwritable(error, template.parent) from error
        reader = pa.ipc.open_file(self._file)
        self._batches = [reader.get_batch(index) for index in range(reader.num_record_batches)]
        self.table = pa.Table.from_batches(self._batches, reader.schema)

    def chunk(self, index: int, columns: Sequence[int] | None) -> pyarrow.RecordBatch:
        """Return a batch of the file."""
        numbers = range(len(self.schema)) if columns is None else columns
        return self._batches[index].select([number + 1 for number in numbers])

    def close(self) -> None:
        """Close the file, which deletes it."""
        self._batches.clear()
        del self.table
        self._file.close()

    def _write(self, name: Path, batches: Iterator[Any]) -> None:
        import numpy as np
        import pyarrow as pa

        kinds = [plain_type(field.type) for field in self.schema]
        fields = [
            pa.field("n", pa.uint64()),
            *(pa.field(f"c{index}", kind) for index, kind in enumerate(kinds)),
        ]
        schema, start = pa.schema(fields), 0
        with pa.OSFile(str(name), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                number = pa.array(np.arange(start, start + batch.num_rows, dtype=np.uint64))
                columns = [
                    column if column.type == kind else column.cast(kind)
                    for column, kind in zip(batch.columns, kinds, strict=True)
                ]
                for part in pa.table([number, *columns], schema=schema).to_batches():
                    writer.write_batch(part)
                    self.lengths.append(part.num_rows)
                start += batch.num_rows


def plain_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """Return the type that a column is written as; a dictionary, which differs by batch, as values."""
    from pyarrow import types

    return kind.value_type if types.is_dictionary(kind) else kind


def batch_lengths(file: pyarrow.MemoryMappedFile) -> Iterator[int]:
    """Yield the number of rows of each record batch, without decompressing any.

    pyarrow reports the length of a batch only after reading it. The batch's message has it in the field
    ``length`` (the first of ``RecordBatch``, the third of ``Message``: Arrow's format/Message.fbs).
    """
    import pyarrow as pa

    file.seek(MAGIC_BYTES)
    for message in pa.ipc.MessageReader.open_stream(file):
        if message.type == "record batch":
            data = message.metadata.to_pybytes()
            header = field_at(data, struct.unpack_from("<I", data)[0], 2)
            length = field_at(data, header + struct.unpack_from("<I", data, header)[0], 0) if header else 0
            yield struct.unpack_from("<q", data, length)[0] if length else 0


def field_at(data: bytes, table: int, field: int) -> int:
    """Return the offset of a field in a FlatBuffers table; 0 if the field has its default."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    position = 4 + 2 * field
    if position >= struct.unpack_from("<H", data, fields)[0]:
        return 0
    offset = struct.unpack_from("<H", data, fields + position)[0]
    return table + offset if offset else 0
