"""Records and result files as the service makes them."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import httpx
import pyarrow as pa

JOB_ID = "0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10"
FLYWIRE_ID = 720575940600000001
Answer = Callable[[httpx.Request], httpx.Response]


def job_record(status: str = "pending", **fields: Any) -> dict[str, Any]:
    final = status in {"completed", "failed", "cancelled"}
    return {
        "job_id": JOB_ID,
        "kind": "query",
        "status": status,
        "version": 1,
        "label": None,
        "query": "SELECT 1",
        "finished_at": "2026-01-01T00:00:00Z" if final else None,
        "progress": None,
        "result": None,
        "error": None,
        **fields,
    }


def arrow_file(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def result_info(content: bytes, **fields: Any) -> dict[str, Any]:
    return {
        "format": "arrow",
        "bytes": len(content),
        "rows": 2,
        "columns": [],
        "sha256": hashlib.sha256(content).hexdigest(),
        "truncated": False,
        **fields,
    }
