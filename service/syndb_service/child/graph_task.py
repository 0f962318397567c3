"""The graph task: analyzes a dataset and sends the answer as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import duckdb
import pyarrow as pa

from syndb_service.domain.child_task import GraphTask, TaskDone
from syndb_service.domain.graph.analysis_options import CompareOptions
from syndb_service.domain.message_codec import encode_message
from syndb_service.graph import analyze, neuron_table
from syndb_service.isolation.channel import ChildChannel, FrameType, FrameWriter
from syndb_service.sql.result_writer import open_writer
from syndb_service.sql.session import lock_down, set_limits


def run_graph_task(frames: ChildChannel, task: GraphTask, connection: duckdb.DuckDBPyConnection) -> None:
    """Run one analysis and send its answer.

    Parameters
    ----------
    frames : ChildChannel
        The channel for progress and the answer.
    task : GraphTask
        The options of the analysis, files and limits.
    connection : duckdb.DuckDBPyConnection
        A fresh connection.
    """
    set_limits(
        connection,
        temp_dir=Path(task.files.temp_dir),
        memory_bytes=task.limits.memory_bytes,
        temp_bytes=task.limits.temp_bytes or 0,
        threads=task.limits.threads,
    )
    lock_down(connection, ["neurons", "synapses", "connections", "neuron_relations"], task.files.sources)

    def progress(phase: str, fraction: float | None) -> None:
        frames.send(FrameType.PROGRESS, {"phase": phase, "fraction": fraction, "rows": None, "bytes": None})

    dataset, *others = [dataset.to_dict() for dataset in task.datasets]
    options = task.options
    if others and isinstance(options, CompareOptions):
        options = replace(options, other_dataset_id=others[0]["id"])
    answer, context = analyze(
        connection,
        dataset,
        options,
        progress,
        threads=task.limits.threads,
        memory_bytes=task.limits.memory_bytes,
        fits=task.size_is_known,
    )
    if others:
        answer["other_dataset"] = others[0]
    encoded = json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
    if options.node_table:
        frames.send(FrameType.PART, {"name": "answer", "format": "json"})
    _send(frames, encoded)
    if options.node_table:
        _send_table(frames, neuron_table(context), task)
    done = TaskDone(dataset_ids=tuple(dataset.id for dataset in task.datasets))
    frames.send(FrameType.DONE, encode_message(done))


def _send(frames: ChildChannel, data: bytes) -> None:
    sink = FrameWriter(frames)
    sink.write(data)
    sink.close()


def _send_table(frames: ChildChannel, table: pa.Table, task: GraphTask) -> None:
    """Send the neurons as an Arrow file with its provenance as metadata."""
    query = {"analysis": task.options.analysis, **task.options.to_dict()}
    table = table.replace_schema_metadata(
        {
            "syndb.query": json.dumps(query, ensure_ascii=False),
            "syndb.job_id": task.job_id,
            "syndb.datasets": json.dumps([task.datasets[0].to_dict()], ensure_ascii=False),
            "syndb.engine": f"syndb-lab {version('syndb-lab')}, duckdb {duckdb.__version__}",
            "syndb.created_at": task.created_at,
            "syndb.truncated": "false",
        }
    )
    columns = [[field.name, str(field.type)] for field in table.schema]
    encoded = {"name": "neurons", "format": "arrow", "rows": table.num_rows, "columns": columns}
    frames.send(FrameType.PART, encoded)
    sink = FrameWriter(frames)
    with open_writer("arrow", sink, table.schema) as writer:
        writer.write_table(table)
    sink.close()
