"""A graph job in its child: a dataset in, the analysis as JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from syndb_service.engines.frames import FrameKind, FrameSink, FrameSocket
from syndb_service.engines.graph import analyse
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
    answer, _ = analyse(
        connection,
        dataset,
        task["analysis"],
        options,
        progress,
        threads=task["threads"],
        memory_bytes=task["memory_bytes"],
    )
    if others:
        answer["other_dataset"] = others[0]
    sink = FrameSink(frames)
    sink.write(json.dumps(answer, allow_nan=False, ensure_ascii=False).encode())
    sink.close()
    read = [each["id"] for each in task["datasets"]]
    frames.send(FrameKind.DONE, {"rows": None, "columns": [], "truncated": False, "datasets": read})
