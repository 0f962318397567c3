"""The provenance of a result, read from its file on the service without fetching all of it."""

from __future__ import annotations

import io
import json
from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.http.transport import Transport

AHEAD: Final = 1 << 16


class RemoteFile(io.RawIOBase):
    """A result on the service as a file that is read in ranges.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's path on the service.
    size : int
        The file's size in bytes.
    """

    def __init__(self, transport: Transport, path: str, size: int) -> None:
        super().__init__()
        self._transport = transport
        self._path = path
        self._size = size
        self._position = 0
        self._held = (0, b"")

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: the file can be read from any position."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        self._position = (
            offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        )
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into a buffer; fetch at least ``AHEAD`` bytes, for the reads that follow."""
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        start, held = self._held
        if not start <= self._position <= self._position + wanted <= start + len(held):
            start = max(0, min(self._position, self._size - AHEAD))
            stop = min(self._size, max(self._position + wanted, start + AHEAD))
            held = self._fetch(start, stop)
            self._held = (start, held)
        part = held[self._position - start : self._position - start + wanted]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _fetch(self, start: int, stop: int) -> bytes:
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-{stop - 1}"}
        return self._transport.read(self._path, headers)


def read_provenance(transport: Transport, record: dict[str, Any]) -> dict[str, Any]:
    """Read ``syndb.…`` from the schema of a completed query's result.

    A CSV file has no schema: then the service is asked which datasets the query reads now.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The job's record.

    Returns
    -------
    dict
        The entries without the prefix ``syndb.``; ``datasets`` and ``sources`` are lists.
    """
    result = record.get("result") or {}
    if result.get("format") not in {"arrow", "parquet"}:
        return {"datasets": query_datasets(transport, record)}
    import pyarrow as pa

    source = RemoteFile(transport, f"/v1/jobs/{record['job_id']}/result", result["bytes"])
    try:
        schema = read_schema(source, result["format"])
    except (pa.ArrowException, SyndbError, OSError):
        return {}
    metadata = {
        name.decode().removeprefix("syndb."): value.decode()
        for name, value in (schema.metadata or {}).items()
    }
    lists = {name: json.loads(metadata[name]) for name in ("datasets", "sources") if name in metadata}
    return {**metadata, **lists}


def query_datasets(transport: Transport, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask the service which datasets a query reads; empty if it can't answer."""
    body = {"query": record.get("query"), "parameters": record.get("parameters") or {}}
    try:
        ids = set(transport.post("/v1/jobs/validate", body).get("dataset_ids") or ())
        datasets = transport.get("/v1/datasets")["datasets"] if ids else []
    except SyndbError:
        return []
    return [dataset for dataset in datasets if dataset["id"] in ids]


def read_schema(source: RemoteFile, format_: str) -> Any:
    """Read the schema of an Arrow or a Parquet file."""
    if format_ == "parquet":
        import pyarrow.parquet as pq

        return pq.read_schema(source)
    import pyarrow as pa

    return pa.ipc.open_file(pa.PythonFile(source, mode="r")).schema
