"""The query task: runs SQL and streams the result as Arrow IPC, Parquet or CSV, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb
import pyarrow as pa

from syndb_service.child.preview import PreviewSender
from syndb_service.child.progress_reporter import ProgressReporter, report_progress
from syndb_service.domain.child_task import QueryTask, TaskDone
from syndb_service.domain.message_codec import encode_message
from syndb_service.errors import InvalidQuery
from syndb_service.isolation.channel import ChildChannel, FrameType, FrameWriter
from syndb_service.sql.ast_visitor import ValidatedQuery
from syndb_service.sql.engine_errors import translate_engine_error
from syndb_service.sql.parameter_values import check_exact
from syndb_service.sql.query_limits import MAX_COLUMNS
from syndb_service.sql.query_plan import QueryPlan
from syndb_service.sql.result_columns import (
    READ_FROM_CSV,
    ResultColumn,
    convert_columns,
    needs_conversion,
    result_columns,
)
from syndb_service.sql.result_tables import ResultTables
from syndb_service.sql.result_writer import (
    ARROW_ERRORS,
    BATCH_ROWS,
    cast_batch,
    deduplicate_names,
    integer_sums,
    open_writer,
    rebatch,
    unwritable_error,
)
from syndb_service.sql.session import lock_down, set_limits, table_columns
from syndb_service.sql.validator import SqlValidator
from syndb_service.text.truncation import shorten_columns

READ_ROWS: Final = 2_048
"""Rows that the engine returns at a time: one of its vectors, so that the first rows arrive early.

A query that returns every row of a table is read in full batches, which fill fast.
"""
LINES_OF_PROJECTION: Final = 2
"""Lines that a projection of converted columns adds before the query; the engine's messages count them."""


def run_query_task(frames: ChildChannel, task: QueryTask, connection: duckdb.DuckDBPyConnection) -> None:
    """Run one query and stream its result to the parent.

    Parameters
    ----------
    frames : ChildChannel
        The channel for progress and data.
    task : QueryTask
        The query, its files and limits.
    connection : duckdb.DuckDBPyConnection
        A fresh connection.
    """
    sql, parameters, sources = task.sql, task.parameters, task.files.sources
    pa.set_cpu_count(task.limits.threads)  # the buffers of a batch are compressed in parallel
    set_limits(
        connection,
        temp_dir=Path(task.files.temp_dir),
        memory_bytes=task.limits.memory_bytes,
        temp_bytes=task.limits.temp_bytes or 0,
        threads=task.limits.threads,
    )
    stored = ResultTables(sources, task.results)
    checked = validate_query(connection, sql, parameters, task.max_query_bytes, stored.columns)
    tables = checked.tables - stored.columns.keys()
    secrets = {path for paths in sources.values() for path in paths}
    secrets |= {task.files.temp_dir, task.files.data_dir}
    lines_before = 0
    try:
        lock_down(connection, tables, sources)
        stored.register(connection, sql)
        plan = QueryPlan(connection, sql, parameters)
        sink = FrameWriter(frames)
        files = sources.get(next(iter(tables)), ()) if len(tables) == 1 else ()
        total = partial(plan.rows, files)
        with report_progress(ProgressReporter(frames, connection, sink, plan.has_progress, total)) as report:
            relation = connection.sql(sql, params=parameters or None)
            if relation is None:
                raise InvalidQuery("the statement gives no table")
            reject_wide(len(relation.columns))
            columns = result_columns(relation, task.format)
            lines_before = LINES_OF_PROJECTION if needs_conversion(columns) else 0
            relation = convert_columns(relation, columns)
            reader = relation.to_arrow_reader(BATCH_ROWS if plan.is_full_scan else READ_ROWS)
            readable = [dataset.to_dict() for dataset in task.datasets]
            datasets = plan.datasets(readable, checked.texts) if tables else []
            known = {dataset["id"] for dataset in datasets}
            datasets += [dataset for dataset in stored.datasets() if dataset["id"] not in known]
            marked = pa.schema(
                [column.field(field.type) for column, field in zip(columns, reader.schema, strict=True)]
            )
            summed = integer_sums(marked, [column.written for column in columns])
            schema = deduplicate_names(summed, _provenance(task, datasets, stored.sources()))
            preview = PreviewSender(frames, schema, task.job_id)
            _write_result(task.format, reader, schema, sink, report, preview)
        sink.close()
    except ConnectionError:
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise translate_engine_error(error, sql, checked, secrets, lines_before=lines_before) from error
    described = shorten_columns(
        describe(field, column) for field, column in zip(schema, columns, strict=True)
    )
    done = TaskDone(
        rows=report.rows,
        columns=tuple(map(tuple, described)),
        dataset_ids=tuple(dataset["id"] for dataset in datasets),
    )
    frames.send(FrameType.DONE, encode_message(done))


def describe(field: pa.Field, column: ResultColumn) -> list[str]:
    """Return a column's name, the type that a reader gets, and the engine's type if it differs."""
    is_text = column.read != column.written
    return [field.name, str(READ_FROM_CSV[column.read] if is_text else field.type), *column.record_entry]


def reject_wide(columns: int) -> None:
    """Reject a result with too many columns.

    Raises
    ------
    InvalidQuery
        If there are more than :data:`MAX_COLUMNS`.
    """
    if columns > MAX_COLUMNS:
        raise InvalidQuery(
            f"the result has {columns:,} columns; at most {MAX_COLUMNS:,} are taken",
            hint="Give rows in place of columns, or ask for the columns in several jobs.",
        )


def _write_result(
    kind: str,
    reader: pa.RecordBatchReader,
    schema: pa.Schema,
    sink: FrameWriter,
    report: ProgressReporter,
    preview: PreviewSender,
) -> None:
    batch = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
    try:
        with open_writer(kind, sink, schema) as writer:
            for reads in rebatch(_count_batches(reader, schema, report, preview)):
                batch = cast_batch(reads, schema)
                report.send()  # before its bytes, so that a reader that stops there has the progress
                writer.write_batch(batch)
    except ARROW_ERRORS as error:
        if " Error: " in str(error):
            raise
        raise unwritable_error(kind, batch) from None
    preview.close()


def _count_batches(
    reader: pa.RecordBatchReader, schema: pa.Schema, report: ProgressReporter, preview: PreviewSender
) -> Iterator[pa.RecordBatch]:
    """Yield the engine's batches; count their rows and send the first ones as a preview."""
    for read in reader:
        report.rows += read.num_rows
        if preview.wants_rows:
            preview.add(cast_batch(read, schema))
        yield read


def validate_query(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Mapping[str, Any],
    max_bytes: int,
    stored: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> ValidatedQuery:
    """Validate a query and its parameters; only the parser of the connection is used.

    ``stored`` maps job ids to the columns of the earlier results that the query may read.

    Raises
    ------
    InvalidQuery
        If the SQL is rejected, a parameter has no value, or a value has no parameter or would be rounded.
    """
    checked = SqlValidator(connection, {**table_columns(), **stored}, max_bytes).validate(sql)
    missing, unused = checked.parameters - parameters.keys(), parameters.keys() - checked.parameters
    if missing:
        names = ", ".join(f"${name}" for name in sorted(missing))
        raise InvalidQuery(
            f"no value is given for {names}", hint="Send the values under `parameters`, by name."
        )
    if unused:
        names = ", ".join(sorted(unused))
        raise InvalidQuery(f"the query has no parameter {names}", hint="In SQL a parameter is written $name.")
    check_exact(parameters)
    return checked


def _provenance(
    task: QueryTask, datasets: list[dict[str, Any]], sources: list[dict[str, Any]]
) -> dict[str, str]:
    chain = {"syndb.sources": json.dumps(sources, ensure_ascii=False)} if sources else {}
    run = (
        {"syndb.reproducible": "true"}
        if task.reproducible
        else {"syndb.job_id": task.job_id, "syndb.created_at": task.created_at}
    )
    return chain | {
        "syndb.query": task.original_sql,
        "syndb.parameters": json.dumps(task.parameters),
        "syndb.datasets": json.dumps(datasets, ensure_ascii=False),
        "syndb.engine": f"duckdb {duckdb.__version__}",
        **run,
        "syndb.truncated": "false",
    }
