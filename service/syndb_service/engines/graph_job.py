"""A graph job in its child: a dataset in, the analysis as JSON out."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from syndb_service.engines.frames import FrameKind, FrameSink, FrameSocket
from syndb_service.engines.graph import analyse, neuron_table
from syndb_service.engines.outputs import opened
from syndb_service.engines.sandbox import allot, lock


def run(frames: FrameSocket, task: dict[str, Any], connection: duckdb.DuckDBPyConnection) -> None:
    """Run one analysis.

    Parameters
    ----------
    frames : FrameSocket
        Where progress and the answer go.
    task : dict
        ``analysis``, ``options``, ``datasets`` (the one that is analysed, and another one to compare it
        with), ``sources`` (their files by table) and the limits.
    connection : duckdb.DuckDBPyConnection
        A fresh engine.
    """
    allot(
        connection,
        temp_dir=Path(task["temp_dir"]),
        memory_bytes=task["memory_bytes"],
        temp_bytes=task["temp_bytes"],
        threads=task["threads"],
    )
    lock(connection, ["neurons", "synapses", "connections", "neuron_relations"], task["sources"])

    def progress(phase: str, fraction: float | None) -> None:
        frames.send(FrameKind.PROGRESS, {"phase": phase, "fraction": fraction, "rows": None, "bytes": None})

    dataset, *others = task["datasets"]
    options = task["options"] | ({"other_dataset_id": others[0]["id"]} if others else {})
    answer, study = analyse(
        connection,
        dataset,
        task["analysis"],
        options,
        progress,
        threads=task["threads"],
        memory_bytes=task["memory_bytes"],
        fits=task["fits"],
    )
    if others:
        answer["other_dataset"] = others[0]
    told = json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
    if options.get("node_table"):
        frames.send(FrameKind.PART, {"name": "answer", "format": "json"})
    _send(frames, told)
    if options.get("node_table"):
        _send_table(frames, neuron_table(study), task)
    read = [each["id"] for each in task["datasets"]]
    frames.send(FrameKind.DONE, {"rows": None, "columns": [], "truncated": False, "datasets": read})


def _send(frames: FrameSocket, data: bytes) -> None:
    sink = FrameSink(frames)
    sink.write(data)
    sink.close()


def _send_table(frames: FrameSocket, table: pa.Table, task: dict[str, Any]) -> None:
    """Send the neurons as an Arrow file that says where it comes from."""
    table = table.replace_schema_metadata(
        {
            "syndb.query": json.dumps({"analysis": task["analysis"], **task["options"]}, ensure_ascii=False),
            "syndb.job_id": task["job_id"],
            "syndb.datasets": json.dumps(task["datasets"][:1], ensure_ascii=False),
            "syndb.engine": f"syndb-lab {version('syndb-lab')}, duckdb {duckdb.__version__}",
            "syndb.created_at": task["created_at"],
            "syndb.truncated": "false",
        }
    )
    columns = [[field.name, str(field.type)] for field in table.schema]
    told = {"name": "neurons", "format": "arrow", "rows": table.num_rows, "columns": columns}
    frames.send(FrameKind.PART, told)
    sink = FrameSink(frames)
    with opened("arrow", sink, table.schema) as writer:
        writer.write_table(table)
    sink.close()
