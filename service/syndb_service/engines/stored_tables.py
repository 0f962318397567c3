"""Stored results of earlier jobs as tables of the locked engine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import dataset as arrow_dataset

FORMATS = {"arrow": "ipc", "parquet": "parquet"}


def column_names(schemas: Mapping[str, str]) -> dict[str, list[str]]:
    """Name the columns of each result, from the small Arrow file (base64) that tells them."""
    return {job_id: list(_schema(data).names) for job_id, data in schemas.items()}


@contextmanager
def empty_tables(connection: duckdb.DuckDBPyConnection, schemas: Mapping[str, str]) -> Iterator[None]:
    """Have empty tables of these columns while a query is checked."""
    for job_id, data in schemas.items():
        connection.register(job_id, _schema(data).empty_table())
    try:
        yield
    finally:
        for job_id in schemas:
            connection.unregister(job_id)


class StoredTables:
    """The results that one query reads.

    Parameters
    ----------
    files : mapping of str to sequence of str
        The file of each, by job id.
    told : mapping of str to mapping
        ``format``, ``sha256``, ``query`` and ``created_at`` of each.
    """

    def __init__(self, files: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]) -> None:
        self._told = told
        self._tables = {
            job_id: arrow_dataset.dataset(files[job_id], format=FORMATS[one["format"]])
            for job_id, one in told.items()
        }

    @property
    def columns(self) -> dict[str, list[str]]:
        """The names of the columns, by job id."""
        return {job_id: list(table.schema.names) for job_id, table in self._tables.items()}

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let the engine read them under their ids."""
        for job_id, table in self._tables.items():
            connection.register(job_id, table)

    def datasets(self) -> list[dict[str, Any]]:
        """Return the datasets that the results themselves were made from."""
        found: dict[str, dict[str, Any]] = {}
        for table in self._tables.values():
            for one in json.loads((table.schema.metadata or {}).get(b"syndb.datasets", b"[]")):
                found.setdefault(one["id"], one)
        return list(found.values())

    def sources(self) -> list[dict[str, Any]]:
        """Return where the results come from: their jobs, and the jobs that these read in turn."""
        found: dict[str, dict[str, Any]] = {}
        for job_id, table in self._tables.items():
            found[job_id] = {"job_id": job_id, **self._told[job_id]}
            for one in json.loads((table.schema.metadata or {}).get(b"syndb.sources", b"[]")):
                found.setdefault(one["job_id"], one)
        return list(found.values())


def _schema(data: str) -> pa.Schema:
    return pa.ipc.open_file(pa.py_buffer(base64.b64decode(data))).schema
