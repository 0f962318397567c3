"""The session: a locked DuckDB connection that reads only the given files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from syndb_service.domain.table_schema import TABLES, VIEWS, quote_text, view_sql

CLOSED: Final[dict[str, str | bool | int | float | list[str]]] = {
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "allow_unredacted_secrets": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_file_cache": False,
    "python_enable_replacements": False,
}
ALONE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 1,
    "async_threads": 0,
    "temp_directory": "",
}
STREAMED_BYTES: Final = 32 * 1024**2
"""Bytes of rows that the engine computes ahead while earlier rows are compressed and sent."""
LOCK: Final = (
    "SET enable_progress_bar = true",
    "SET enable_progress_bar_print = false",
    "SET progress_bar_time = 0",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def open_session() -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that loads no extension and sees no Python object; it is not locked yet.

    It starts no thread, so its process can be forked and sandboxed until :func:`set_limits` is called.
    Threads that read ahead (``async_threads``) are never started: they don't help with local files.
    """
    return duckdb.connect(":memory:", config=CLOSED | ALONE)


def set_limits(
    connection: duckdb.DuckDBPyConnection,
    *,
    temp_dir: Path | None = None,
    memory_bytes: int,
    temp_bytes: int = 0,
    threads: int,
) -> None:
    """Set the resource limits of a connection; starts its threads, so the OS sandbox must be in place.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A fresh connection.
    temp_dir : Path, optional
        The folder for spilled data; nothing is spilled if it is None or ``temp_bytes`` is 0.
    memory_bytes, temp_bytes : int
        Limits, in bytes.
    threads : int
        Threads of the engine.
    """
    connection.execute(f"SET memory_limit = '{memory_bytes}B'")
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET streaming_buffer_size = '{STREAMED_BYTES}B'")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # timestamps have the same text on every machine
    if temp_dir is not None and temp_bytes:
        connection.execute(f"SET temp_directory = {quote_text(str(temp_dir))}")
    connection.execute(f"SET max_temp_directory_size = '{temp_bytes}B'")


def lock_down(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[str], sources: Mapping[str, Sequence[str]]
) -> None:
    """Create views of the given files, then lock the connection so that it reads only them.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A fresh connection.
    tables : iterable of str
        The tables and views of the query; only their files are opened.
    sources : mapping of str to sequence of str
        The Parquet files of each table; a table without any is empty.

    Examples
    --------
    >>> engine = open_session()
    >>> lock_down(engine, ["neurons"], {})
    >>> engine.sql("SELECT count(*) FROM neurons").fetchall()
    [(0,)]
    """
    wanted = set(tables)
    needed = wanted | {VIEWS[name].source for name in wanted & VIEWS.keys()}
    readable: list[str] = []
    for name in TABLES:
        if name in needed:
            paths = sources.get(name, ())
            readable += paths
            connection.execute(f"CREATE VIEW {name} AS {view_sql(name, paths)}")
    for name, view in VIEWS.items():
        if name in wanted:
            connection.execute(f"CREATE VIEW {name} AS {view.sql}")
    connection.execute(f"SET allowed_paths = [{', '.join(quote_text(path) for path in readable)}]")
    for statement in LOCK:
        connection.execute(statement)


def table_columns() -> dict[str, list[str]]:
    """Return the names of the columns of every table and view.

    Examples
    --------
    >>> table_columns()["connections"]
    ['dataset_id', 'pre_neuron_id', 'post_neuron_id', 'synapse_count']
    """
    columns = {name: [column.name for column in table] for name, table in TABLES.items()}
    return columns | {name: [column.name for column in view.columns] for name, view in VIEWS.items()}
