"""The first rows of a result, sent ahead as a small Arrow file of their own."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from pyarrow import ipc

from syndb_service.isolation.channel import MAX_PREVIEW_BYTES, ChildChannel, FrameType

PREVIEW_ROWS: Final = 100


class PreviewSender:
    """Collects the first rows of a result and sends them as soon as there are any.

    Parameters
    ----------
    frames : FrameSocket
        Where they go.
    schema : pyarrow.Schema
        The result's columns; its provenance is left out, since a query may be longer than its preview.
    job_id : str
        What the file says it is a preview of.
    """

    def __init__(self, frames: ChildChannel, schema: pa.Schema, job_id: str) -> None:
        self._frames = frames
        self._schema = schema.with_metadata({"syndb.job_id": job_id, "syndb.preview": "true"})
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    @property
    def wants_rows(self) -> bool:
        """Whether more rows would be shown."""
        return self._rows < PREVIEW_ROWS

    def add(self, batch: pa.RecordBatch) -> None:
        """Take what is still wanted of the next rows."""
        if self.wants_rows and batch.num_rows:
            part = batch.slice(0, PREVIEW_ROWS - self._rows)
            self._batches.append(pa.RecordBatch.from_arrays(part.columns, schema=self._schema))
            self._rows += part.num_rows
            self._send()

    def close(self) -> None:
        """Tell of a result without rows what its columns are."""
        if not self._rows:
            self._send()

    def _send(self) -> None:
        table = pa.Table.from_batches(self._batches, schema=self._schema)
        data = encode_preview(table)
        if data is not None:
            self._frames.send_bytes(FrameType.PREVIEW, data)


def encode_preview(table: pa.Table, limit: int = MAX_PREVIEW_BYTES) -> bytes | None:
    """Write a table as an Arrow file of at most ``limit`` bytes, with fewer rows if it must be.

    Examples
    --------
    >>> file = encode_preview(pa.table({"text": ["x" * 1000] * 10}), 3000)
    >>> ipc.open_file(file).read_all().num_rows
    10
    >>> encode_preview(pa.table({"text": ["x"]}), 10) is None
    True
    """
    rows = table.num_rows
    while True:
        sink = pa.BufferOutputStream()
        options = ipc.IpcWriteOptions(compression="lz4")
        with ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table.slice(0, rows).combine_chunks())
        data: bytes = sink.getvalue().to_pybytes()
        if len(data) <= limit:
            return data
        if rows == 0:
            return None
        rows //= 2
