"""Where a result comes from, read out of the result file itself, without fetching the whole of it."""

from __future__ import annotations

import io
import json
from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.http.transport import Transport

AHEAD: Final = 1 << 16


class RemoteFile(io.RawIOBase):
    """A result on the service, read in ranges.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's address.
    size : int
        Its size in bytes.
    """

    def __init__(self, transport: Transport, path: str, size: int) -> None:
        super().__init__()
        self._transport = transport
        self._path = path
        self._size = size
        self._at = 0
        self._held = (0, b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Say where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes, and somewhat more, since the next ones are near."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        start, held = self._held
        if not start <= self._at <= self._at + wanted <= start + len(held):
            start = max(0, min(self._at, self._size - AHEAD))
            stop = min(self._size, max(self._at + wanted, start + AHEAD))
            held = self._fetch(start, stop)
            self._held = (start, held)
        part = held[self._at - start : self._at - start + wanted]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _fetch(self, start: int, stop: int) -> bytes:
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-{stop - 1}"}
        return self._transport.read(self._path, headers)


def read_provenance(transport: Transport, record: dict[str, Any]) -> dict[str, Any]:
    """Read ``syndb.…`` from the schema of a completed query's result.

    A CSV file holds none: there it is the datasets that the service says the query means, as they are now.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The job's record.

    Returns
    -------
    dict
        The names without ``syndb.``; ``datasets`` and ``sources`` as lists.
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
    told = {
        name.decode().removeprefix("syndb."): value.decode()
        for name, value in (schema.metadata or {}).items()
    }
    lists = {name: json.loads(told[name]) for name in ("datasets", "sources") if name in told}
    return {**told, **lists}


def query_datasets(transport: Transport, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask which datasets a query means."""
    body = {"query": record.get("query"), "parameters": record.get("parameters") or {}}
    try:
        ids = set(transport.post("/v1/jobs/validate", body).get("dataset_ids") or ())
        found = transport.get("/v1/datasets")["datasets"] if ids else []
    except SyndbError:
        return []
    return [dataset for dataset in found if dataset["id"] in ids]


def read_schema(source: RemoteFile, format_: str) -> Any:
    """Read the schema of an Arrow or a Parquet file."""
    if format_ == "parquet":
        import pyarrow.parquet as pq

        return pq.read_schema(source)
    import pyarrow as pa

    return pa.ipc.open_file(pa.PythonFile(source, mode="r")).schema
