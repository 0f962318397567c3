"""The count task: counts the connections that match the filters of a graph, without building the graph."""

from __future__ import annotations

import duckdb

from syndb_service.domain.child_task import CountedSizes, CountTask
from syndb_service.domain.graph.connection_sql import READS, sizes_parameters, sizes_sql
from syndb_service.domain.message_codec import encode_message
from syndb_service.isolation.channel import ChildChannel, FrameType
from syndb_service.sql.session import lock_down, set_limits


def run_count_task(frames: ChildChannel, task: CountTask, connection: duckdb.DuckDBPyConnection) -> None:
    """Count the connections of a dataset that match a selection; send :class:`CountedSizes`."""
    set_limits(connection, memory_bytes=task.limits.memory_bytes, threads=task.limits.threads)
    lock_down(connection, READS, task.sources)
    parameters = sizes_parameters(task.dataset_id, task.selection)
    sizes = connection.execute(sizes_sql(task.selection), parameters).fetchall()
    frames.send(FrameType.DONE, encode_message(CountedSizes(sizes=tuple(sizes))))
