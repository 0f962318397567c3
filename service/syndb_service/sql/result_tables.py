"""Stored results of earlier jobs as tables of a session."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import dataset as arrow_dataset
from pyarrow import ipc, parquet

from syndb_service.domain.child_task import ReferencedResult
from syndb_service.domain.table_schema import quote_name
from syndb_service.sql.result_table_columns import is_misread, restored_type, sql_names, view_sql

FORMATS = {"arrow": "ipc", "parquet": "parquet"}


def column_names(schemas: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the column names of each result, from its schema as a base64 Arrow file."""
    return {job_id: list(_schema(data).names) for job_id, data in schemas.items()}


@contextmanager
def empty_tables(
    connection: duckdb.DuckDBPyConnection, schemas: Mapping[str, str], sql: str
) -> Iterator[None]:
    """Create empty tables with these columns while a query is checked.

    Raises
    ------
    InvalidQuery
        If the query names columns that SQL does not tell apart.
    """
    tables = {job_id: pa.Table.from_batches([], _schema(data)) for job_id, data in schemas.items()}
    try:
        for job_id, table in tables.items():
            _register(connection, job_id, table.schema, table, table, sql)
        yield
    finally:
        for job_id in tables:
            with suppress(duckdb.Error):
                connection.execute(f"DROP VIEW IF EXISTS temp.{quote_name(job_id)}")
            connection.unregister(_source(job_id))


class ResultTables:
    """Earlier results that one query reads.

    Parameters
    ----------
    files : mapping of str to sequence of str
        The file of each result, by job id.
    results : mapping of str to ReferencedResult
        The record of each result, by job id.
    """

    def __init__(self, files: Mapping[str, Sequence[str]], results: Mapping[str, ReferencedResult]) -> None:
        self._results = results
        self._files = files
        self._tables = {
            job_id: arrow_dataset.dataset(list(files[job_id]), format=FORMATS[result.format])
            for job_id, result in results.items()
        }

    @property
    def columns(self) -> dict[str, list[str]]:
        """The names of the columns, by job id."""
        return {job_id: list(table.schema.names) for job_id, table in self._tables.items()}

    def register(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Register each result as a table named by its job id, with its original column types.

        Raises
        ------
        InvalidQuery
            If the query names columns that SQL does not tell apart.
        """
        for job_id, table in self._tables.items():
            full_table = self._read_in_full(job_id) if is_misread(table.schema) else table
            _register(connection, job_id, table.schema, table, full_table, sql)

    def _read_in_full(self, job_id: str) -> pa.Table:
        """Read the file into a table, because an Arrow dataset would give the engine wrong columns."""
        (path,) = self._files[job_id]
        if FORMATS[self._results[job_id].format] == "parquet":
            return parquet.ParquetFile(path, memory_map=True).read()
        return ipc.open_file(pa.memory_map(path)).read_all()

    def datasets(self) -> list[dict[str, Any]]:
        """Return the datasets that the results were computed from."""
        found: dict[str, dict[str, Any]] = {}
        for table in self._tables.values():
            for dataset in json.loads((table.schema.metadata or {}).get(b"syndb.datasets", b"[]")):
                found.setdefault(dataset["id"], dataset)
        return list(found.values())

    def sources(self) -> list[dict[str, Any]]:
        """Return the source jobs: those of the results, and those whose results they read."""
        found: dict[str, dict[str, Any]] = {}
        for job_id, table in self._tables.items():
            found[job_id] = {"job_id": job_id, **self._results[job_id].to_dict()}
            for source in json.loads((table.schema.metadata or {}).get(b"syndb.sources", b"[]")):
                found.setdefault(source["job_id"], source)
        return list(found.values())


def _schema(data: str) -> pa.Schema:
    return pa.ipc.open_file(pa.py_buffer(base64.b64decode(data))).schema


def _register(
    connection: duckdb.DuckDBPyConnection,
    job_id: str,
    schema: pa.Schema,
    table: pa.Table | arrow_dataset.Dataset,
    full_table: pa.Table | arrow_dataset.Dataset,
    sql: str,
) -> None:
    """Register a result under its job id, directly or below a view that restores column types."""
    by_number = is_misread(schema)
    if not by_number and not any(map(restored_type, schema)):
        connection.register(job_id, table)
        return
    names = sql_names(schema.names, sql)
    source = _source(job_id)
    numbered = [f"c{number}" for number in range(len(names))]
    connection.register(source, full_table.rename_columns(numbered) if by_number else table)
    view = view_sql(schema, names, source, by_number=by_number)
    connection.execute(f"CREATE TEMP VIEW {quote_name(job_id)} AS {view}")


def _source(job_id: str) -> str:
    return f"{job_id}:file"
