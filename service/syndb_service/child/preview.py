"""The preview: the first rows of a result, sent before it as a small Arrow file."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from pyarrow import ipc

from syndb_service.isolation.channel import MAX_PREVIEW_BYTES, ChildChannel, FrameType

PREVIEW_ROWS: Final = 100


class PreviewSender:
    """Sender of a preview; collects the first rows of a result and sends them when they arrive.

    Parameters
    ----------
    frames : ChildChannel
        The channel to the parent.
    schema : pyarrow.Schema
        The result's columns; the preview omits its provenance, which may be longer than the rows.
    job_id : str
        The job id to store in the file.
    """

    def __init__(self, frames: ChildChannel, schema: pa.Schema, job_id: str) -> None:
        self._frames = frames
        self._schema = schema.with_metadata({"syndb.job_id": job_id, "syndb.preview": "true"})
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    @property
    def wants_rows(self) -> bool:
        """Whether the preview still needs rows."""
        return self._rows < PREVIEW_ROWS

    def add(self, batch: pa.RecordBatch) -> None:
        """Add as many of the next rows as the preview still needs."""
        if self.wants_rows and batch.num_rows:
            part = batch.slice(0, PREVIEW_ROWS - self._rows)
            self._batches.append(pa.RecordBatch.from_arrays(part.columns, schema=self._schema))
            self._rows += part.num_rows
            self._send()

    def close(self) -> None:
        """Send the columns of a result without rows."""
        if not self._rows:
            self._send()

    def _send(self) -> None:
        table = pa.Table.from_batches(self._batches, schema=self._schema)
        data = encode_preview(table)
        if data is not None:
            self._frames.send_bytes(FrameType.PREVIEW, data)


def encode_preview(table: pa.Table, limit: int = MAX_PREVIEW_BYTES) -> bytes | None:
    """Write a table as an Arrow file of at most ``limit`` bytes, with fewer rows if necessary.

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
