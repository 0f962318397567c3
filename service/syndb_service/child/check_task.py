"""The check task: parses and binds SQL against empty tables in a child, so that the API needs no engine."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa

from syndb_service.child import query_task
from syndb_service.domain.child_task import CheckRequest, CheckTask
from syndb_service.domain.jobs import Failure
from syndb_service.domain.message_codec import decode_message
from syndb_service.domain.table_schema import quote_name
from syndb_service.errors import InvalidQuery, ServiceError
from syndb_service.isolation.channel import ChildChannel, FrameType
from syndb_service.sql.ast_visitor import ValidatedQuery
from syndb_service.sql.determinism import Determinism, determinism, volatile_calls, with_values
from syndb_service.sql.engine_errors import MemoryExceeded, translate_engine_error
from syndb_service.sql.partition_pruning import prune_datasets
from syndb_service.sql.query_limits import BIND_CPU_S, PARSE_CPU_S, PLAN_CPU_S
from syndb_service.sql.query_summary import fingerprint, parse_tree, summarize
from syndb_service.sql.result_columns import ResultColumn, result_columns, shorten_type_name
from syndb_service.sql.result_tables import column_names, empty_tables
from syndb_service.sql.result_writer import deduplicate_names, integer_sums
from syndb_service.sql.session import lock_down, set_limits, table_columns
from syndb_service.sql.source_position import first_word
from syndb_service.sql.unscoped_joins import unscoped_tables
from syndb_service.text.truncation import shorten_columns

log = logging.getLogger(__name__)

PLAIN_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_ ]*(?:\(\d+, ?\d+\))?(?:\[\d*\])*")
"""Types whose names contain no text of the user."""
DESCRIBE: Final = "DESCRIBE\n"
EXPLAINED: Final = [["explain_key", "VARCHAR"], ["explain_value", "VARCHAR"]]


def run_check_task(frames: ChildChannel, task: CheckTask, connection: duckdb.DuckDBPyConnection) -> None:
    """Run checks one after the other until the other end closes the channel.

    Each request is a frame with a :class:`CheckRequest`. The first response is a PROGRESS frame with what
    the text alone determines: ``tables``, ``dataset_ids``, ``dataset_values``, ``loose``, ``reach``,
    ``fingerprint``, ``volatile``, and with ``describe`` an ``outline``. Then names and types are bound, and
    a second PROGRESS frame has the ``columns`` (with ``describe`` in Arrow's types, as in the record of a
    result). A DONE frame states whether two runs give the same result. A FAILURE frame rejects the query.

    The engine computes some constants when it binds them, so binding can take any time. A timer then ends
    this process; the parent has the first frame and sees that the channel is closed.
    """
    set_limits(connection, memory_bytes=task.limits.memory_bytes, threads=task.limits.threads)
    lock_down(connection, table_columns(), {})
    frames.send(FrameType.DONE, {})
    while (received := frames.receive_one()) is not None:
        try:
            request = decode_message(CheckRequest, received[1])
            with processor_time(PARSE_CPU_S):
                checked, described = _read(connection, request, task.max_query_bytes)
            frames.send(FrameType.PROGRESS, described)
            with processor_time(BIND_CPU_S):
                bound = _bind(connection, request, checked)
            frames.send(FrameType.PROGRESS, bound)
            with processor_time(PLAN_CPU_S):
                found = _determinism(connection, request, checked)
            frames.send(
                FrameType.DONE,
                {
                    "deterministic": found.deterministic,
                    "not_deterministic": found.reasons,
                    "linear": found.linear and not request.result_schemas,
                },
            )
        except ServiceError as error:
            frames.send(FrameType.FAILURE, Failure.from_error(error).as_dict())
        except ConnectionError:
            raise
        except (MemoryError, duckdb.OutOfMemoryException):
            too_much = InvalidQuery("reading this query needs too much memory")
            frames.send(FrameType.FAILURE, Failure.from_error(too_much).as_dict())
        except Exception as error:
            log.exception("a check failed")
            unforeseen = InvalidQuery(f"the engine gives up on this query ({type(error).__name__})")
            frames.send(FrameType.FAILURE, Failure.from_error(unforeseen).as_dict())


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    """End this process by SIGPROF if the block exceeds the time: Python code can't stop the engine."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _read(
    connection: duckdb.DuckDBPyConnection, request: CheckRequest, max_bytes: int
) -> tuple[ValidatedQuery, dict[str, Any]]:
    """Validate the query and return what its text alone determines."""
    sql, parameters, stored = request.sql, request.parameters, request.result_schemas
    checked = query_task.validate_query(connection, sql, parameters, max_bytes, column_names(stored))
    checked.tables -= stored.keys()
    root = parse_tree(connection, sql)
    reached = prune_datasets(root, parameters, checked.tables) if root is not None else None
    described = {
        "tables": sorted(checked.tables),
        "dataset_ids": _dataset_ids(checked),
        "dataset_values": _dataset_values(checked, parameters),
        "loose": unscoped_tables(root, checked.tables) if root is not None else [],
        "reach": None if reached is None else sorted(reached),
        "fingerprint": fingerprint(root, sql),
        "volatile": _volatile(checked),
    }
    if request.describe:
        described["outline"] = summarize(root, parameters, checked.tables).as_dict()
    return checked, described


def _bind(
    connection: duckdb.DuckDBPyConnection, request: CheckRequest, checked: ValidatedQuery
) -> dict[str, Any]:
    """Return the names and types of the columns; the optimizer, which would compute every constant, is off.

    A query that needs more memory than a check has is not bound: a job has more.
    """
    sql, parameters, stored = request.sql, request.parameters, request.result_schemas
    with connection.cursor() as cursor, empty_tables(cursor, stored, sql):
        try:
            explain = sql.encode()[: checked.offset].decode()
            text = DESCRIBE + re.sub(r"[^\r\n]", " ", explain) + sql[len(explain) :]
            rows = cursor.execute(text, parameters or None).fetchall()
        except duckdb.Error as error:
            refusal = translate_engine_error(error, sql, checked, (), lines_before=1)
            if isinstance(refusal, MemoryExceeded):
                return {"columns": [], "checked": False}
            raise refusal from error
    query_task.reject_wide(len(rows))
    plain = [[str(row[0]), str(row[1])] for row in rows] if not checked.offset else EXPLAINED
    columns = _result_columns(connection, plain, request.format)
    described = _describe_columns(connection, columns) if request.describe and columns else plain
    return {"columns": shorten_columns(described), "checked": True}


def _determinism(
    connection: duckdb.DuckDBPyConnection, request: CheckRequest, checked: ValidatedQuery
) -> Determinism:
    """Analyze the plan; views replace earlier results, because a plan can't contain Python objects."""
    if checked.offset:
        return Determinism(None)
    stored, made = request.result_schemas, []
    with connection.cursor() as cursor, connection.cursor() as planner:
        try:
            with empty_tables(cursor, stored, request.sql):
                for job_id in stored:
                    columns = cursor.execute(f"DESCRIBE FROM {quote_name(job_id)}").fetchall()
                    nulls = ", ".join(f"NULL::{column[1]} AS {quote_name(column[0])}" for column in columns)
                    planner.execute(f"CREATE TEMP VIEW {quote_name(job_id)} AS SELECT {nulls} WHERE false")
                    made.append(job_id)
            return determinism(planner, with_values(checked, request.parameters))
        except duckdb.Error:
            return Determinism(None)
        finally:
            for job_id in made:
                planner.execute(f"DROP VIEW temp.{quote_name(job_id)}")


def _volatile(checked: ValidatedQuery) -> list[list[str | int | None]]:
    """Return the volatile functions and their positions."""
    positions = [
        (name, checked.position_of(name) or first_word(checked.sql)) for name in volatile_calls(checked)
    ]
    return [[name, position.line, position.column] for name, position in positions]


def _dataset_ids(checked: ValidatedQuery) -> list[list[str | int | None]]:
    """Return the texts that ``dataset_id`` is compared with, and their positions."""
    if not checked.tables:
        return []
    return [[text, position.line, position.column] for text, position in checked.dataset_ids.items()]


def _dataset_values(checked: ValidatedQuery, parameters: Mapping[str, Any]) -> list[list[str | int | None]]:
    """Return the texts in parameters that ``dataset_id`` is compared with, and the parameters' positions."""
    found = []
    for name, position in checked.dataset_parameters.items() if checked.tables else ():
        value = parameters.get(name)
        texts = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        found += [[text, position.line, position.column] for text in texts]
    return found


def _result_columns(
    connection: duckdb.DuckDBPyConnection, plain: Sequence[Sequence[str]], file_format: str
) -> list[ResultColumn]:
    """Choose the file type of each column; return none if the engine can't parse the name of a type.

    Only names and types reach the engine, after validation, because they can contain any text.

    Raises
    ------
    InvalidQuery
        If the format can't represent a column.
    """
    nulls = "SELECT " + ", ".join(f"NULL::{kind} AS {quote_name(name)}" for name, kind in plain)
    try:
        if not all(PLAIN_TYPE.fullmatch(kind) for _, kind in plain):
            query_task.validate_query(connection, nulls, {}, len(nulls.encode()))
        relation = connection.sql(nulls)
    except (duckdb.Error, InvalidQuery):
        return []
    return result_columns(relation, file_format)


def _describe_columns(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[ResultColumn]
) -> list[list[str]]:
    """Return names and types of the columns as in the record of a result; the query is not run."""
    kinds = [column.read for column in columns]
    nulls = "SELECT " + ", ".join(f"NULL::{kind}" for kind in kinds)
    try:
        query_task.validate_query(connection, nulls, {}, len(nulls.encode()))
        with connection.cursor() as cursor:
            types = cursor.sql(nulls).to_arrow_table().schema.types
    except (duckdb.Error, pa.ArrowException, InvalidQuery):
        return [[column.name, shorten_type_name(column.type)] for column in columns]
    fields = [pa.field(column.name, kind) for column, kind in zip(columns, types, strict=True)]
    schema = deduplicate_names(integer_sums(pa.schema(fields), kinds))
    return [
        [field.name, str(field.type), *column.record_entry]
        for field, column in zip(schema, columns, strict=True)
    ]
