"""The checker's child: it parses and binds SQL against empty tables, so that the API needs no engine."""

from __future__ import annotations

import logging
from typing import Any

import duckdb
import pyarrow as pa

from syndb_service.engines import query_job
from syndb_service.engines.frames import FrameKind, FrameSocket
from syndb_service.engines.loose_joins import loose_tables
from syndb_service.engines.outlining import fingerprint, outline, tree
from syndb_service.engines.outputs import named_apart, whole_sums
from syndb_service.engines.reach import reach
from syndb_service.engines.refusals import failure, translate
from syndb_service.engines.result_columns import ResultColumn, result_columns, shortened
from syndb_service.engines.sandbox import allot, lock, table_columns
from syndb_service.engines.stored_tables import column_names, empty_tables
from syndb_service.engines.walk import Checked
from syndb_service.errors import InvalidQuery, ServiceError

log = logging.getLogger(__name__)


def run(frames: FrameSocket, task: dict[str, Any], connection: duckdb.DuckDBPyConnection) -> None:
    """Answer checks, one after the other, until the other end closes.

    Each request is a frame with ``query``, ``parameters`` and ``format``; each answer a DONE frame with
    ``columns``, ``tables``, ``dataset_ids``, ``dataset_values``, ``loose``, ``reach`` and ``fingerprint``,
    or a FAILURE frame.
    With ``describe`` the types are Arrow's, as in the record of a result, and ``outline`` tells
    the query's shape.
    """
    allot(connection, memory_bytes=task["memory_bytes"], threads=1)
    lock(connection, table_columns(), {})
    frames.send(FrameKind.DONE, {})
    while (received := frames.receive_one()) is not None:
        request = received[1]
        try:
            frames.send(FrameKind.DONE, _check(connection, request, task["max_query_bytes"]))
        except ServiceError as error:
            frames.send(FrameKind.FAILURE, failure(error))
        except ConnectionError:
            raise
        except Exception as error:
            log.exception("a check failed")
            unforeseen = InvalidQuery(f"the engine gives up on this query ({type(error).__name__})")
            frames.send(FrameKind.FAILURE, failure(unforeseen))


def _check(connection: duckdb.DuckDBPyConnection, request: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    sql, parameters, stored = request["query"], request["parameters"], request.get("stored", {})
    checked = query_job.check(connection, sql, parameters, max_bytes, column_names(stored))
    checked.tables -= stored.keys()
    with connection.cursor() as cursor, empty_tables(cursor, stored, sql):
        try:
            relation = cursor.sql(sql, params=parameters or None)
        except duckdb.Error as error:
            raise translate(error, sql, checked, ()) from error
        if relation is None:
            raise InvalidQuery("the statement gives no table")
        columns = result_columns(relation, request.get("format", "arrow"))
        plain = [[column.name, shortened(column.type)] for column in columns]
        answer: dict[str, Any] = {
            "columns": plain,
            "tables": sorted(checked.tables),
            "dataset_ids": _dataset_ids(checked),
            "dataset_values": _dataset_values(checked, parameters),
        }
        root = tree(connection, sql)
        answer["loose"] = loose_tables(root, checked.tables) if root is not None else []
        reached = reach(root, parameters, checked.tables) if root is not None else None
        answer["reach"] = None if reached is None else sorted(reached)
        answer["fingerprint"] = fingerprint(root, sql)
        if request.get("describe"):
            answer["columns"] = _columns(connection, columns) or plain
            answer["outline"] = outline(root, parameters, checked.tables).as_dict()
    return answer


def _dataset_ids(checked: Checked) -> list[list[str | int | None]]:
    """Return what ``dataset_id`` is compared with, and where."""
    if not checked.tables:
        return []
    return [[text, place.line, place.column] for text, place in checked.dataset_ids.items()]


def _dataset_values(checked: Checked, parameters: dict[str, Any]) -> list[list[str | int | None]]:
    """Return the texts among the values of parameters that ``dataset_id`` is compared with, and where."""
    found = []
    for name, place in checked.dataset_parameters.items() if checked.tables else ():
        value = parameters.get(name)
        texts = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        found += [[text, place.line, place.column] for text in texts]
    return found


def _columns(connection: duckdb.DuckDBPyConnection, columns: list[ResultColumn]) -> list[list[str]]:
    """Name and type the columns as the record of a result does; none where Arrow has no such type.

    None of the user's expressions is computed for it (the optimizer would fold constants): the types
    alone go through the engine, by way of the gate, since their names may hold any text.
    """
    kinds = [column.read for column in columns]
    nulls = "SELECT " + ", ".join(f"NULL::{kind}" for kind in kinds)
    try:
        query_job.check(connection, nulls, {}, len(nulls.encode()))
        with connection.cursor() as cursor:
            types = cursor.sql(nulls).to_arrow_table().schema.types
    except (duckdb.Error, pa.ArrowException, InvalidQuery):
        return []
    fields = [pa.field(column.name, kind) for column, kind in zip(columns, types, strict=True)]
    schema = named_apart(whole_sums(pa.schema(fields), kinds))
    return [
        [field.name, str(field.type), *column.told] for field, column in zip(schema, columns, strict=True)
    ]
