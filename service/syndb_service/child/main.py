"""The main function of a child process: reads one task from its socket, runs it and exits."""

from __future__ import annotations

import logging
import socket
import sys
from dataclasses import replace
from typing import assert_never

import duckdb

from syndb_service.child import check_task, count_task, graph_task, query_task
from syndb_service.domain.child_task import CheckTask, ChildTask, CountTask, GraphTask, QueryTask, from_dict
from syndb_service.domain.jobs import Failure
from syndb_service.errors import ServiceError
from syndb_service.isolation.channel import ChildChannel, FrameType
from syndb_service.isolation.child_log import log_to_parent
from syndb_service.isolation.os_sandbox import apply_os_sandbox
from syndb_service.isolation.process_name import set_process_title
from syndb_service.sql.ast_visitor import scalar_functions
from syndb_service.sql.session import open_session

log = logging.getLogger(__name__)

RECURSION_LIMIT = 20_000
ENGINES: list[duckdb.DuckDBPyConnection] = []


def preload() -> None:
    """Prepare in the fork server what every child needs.

    The engine is opened without threads: the fork of a process with threads can hang, and the OS sandbox
    applies only to threads that start after it. Files that a sandboxed child can't read are read here.
    """
    scalar_functions()
    ENGINES.append(open_session())
    query_task.validate_query(ENGINES[0], "SELECT 1", {}, 100)


def new_connection() -> duckdb.DuckDBPyConnection:
    """Return a connection to the engine that this child inherited, with its own random seed.

    The engine is never closed: that takes longer than to exit.
    """
    if not ENGINES:
        preload()
    return ENGINES[0].cursor()


def run(sock: socket.socket) -> int:
    """Run the task that arrives on ``sock``; return the exit status.

    The engine is opened before the task arrives, so that a preforked child waits with an open engine.
    """
    sys.setrecursionlimit(RECURSION_LIMIT)
    frames = ChildChannel(sock)
    engine = new_connection()
    received = frames.receive_one()
    if received is None:
        return 0
    message = received[1]
    set_process_title(f"syndb-{message.get('kind')}")
    log_to_parent(message.get("job_id"))
    try:
        task = from_dict(message)
        apply_os_sandbox(task)
        _run_task(frames, task, engine)
    except BrokenPipeError:
        return 1
    except ServiceError as error:
        frames.send(FrameType.FAILURE, Failure.from_error(error).as_dict())
    except (MemoryError, duckdb.OutOfMemoryException):
        frames.send(FrameType.FAILURE, OUT_OF_MEMORY.as_dict())
    except Exception as error:
        log.exception("a %s task failed", message.get("kind"))
        unforeseen = replace(UNFORESEEN, message=f"the engine failed: {type(error).__name__}")
        frames.send(FrameType.FAILURE, unforeseen.as_dict())
    return 0


def _run_task(frames: ChildChannel, task: ChildTask, engine: duckdb.DuckDBPyConnection) -> None:
    match task:
        case QueryTask():
            query_task.run_query_task(frames, task, engine)
        case GraphTask():
            graph_task.run_graph_task(frames, task, engine)
        case CheckTask():
            check_task.run_check_task(frames, task, engine)
        case CountTask():
            count_task.run_count_task(frames, task, engine)
        case _:
            assert_never(task)


OUT_OF_MEMORY = Failure(
    "memory_limit",
    "the job needs more memory than a job may use",
    "Filter earlier, or ask for fewer columns.",
)
UNFORESEEN = Failure(
    "engine_failure",
    "the engine failed",
    "This is a defect of the service, and it is in its log. A rerun may help.",
    retryable=True,
)
