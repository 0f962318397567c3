"""The counter's child: it counts the connections that a graph's filters leave in, and builds nothing."""

from __future__ import annotations

from typing import Any

import duckdb

from syndb_service.domain.graph.selection import Selection
from syndb_service.domain.graph.statements import READS, sizes_parameters, sizes_sql
from syndb_service.engines.frames import FrameKind, FrameSocket
from syndb_service.engines.sandbox import allot, lock


def run(frames: FrameSocket, task: dict[str, Any], connection: duckdb.DuckDBPyConnection) -> None:
    """Count the connections of ``dataset_id`` under the filters of ``options``.

    The answer is a DONE frame with ``sizes``: pairs of a number of synapses and how many connections have
    so many, the most synapses first.
    """
    allot(connection, memory_bytes=task["memory_bytes"], threads=task["threads"])
    lock(connection, READS, task["sources"])
    selection = Selection.of(task["options"])
    parameters = sizes_parameters(task["dataset_id"], selection)
    sizes = connection.execute(sizes_sql(selection), parameters).fetchall()
    frames.send(FrameKind.DONE, {"sizes": sizes})
