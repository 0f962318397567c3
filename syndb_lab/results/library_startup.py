"""The first use of Arrow and polars, under the lock that delays forks.

Both start their threads at the first use. A child that is forked in the middle of that start would wait for
its end forever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from syndb_lab.fork_safety import FORK_LOCK

USED: Final[set[str]] = set()


def start_arrow() -> None:
    """Start the threads of Arrow that read files, once."""
    _once("arrow", _use_arrow)


def start_polars() -> None:
    """Start the threads of polars, once: a later fork detects them."""
    _once("polars", _use_polars)


def _once(name: str, use: Callable[[], None]) -> None:
    if name not in USED:
        with FORK_LOCK:
            use()
            USED.add(name)


def _use_arrow() -> None:
    import pyarrow as pa
    from pyarrow import csv

    table = csv.read_csv(pa.BufferReader(b"a,b\n1,2\n"))
    written = pa.BufferOutputStream()
    with pa.ipc.new_file(written, table.schema) as file:
        file.write_table(table)
    pa.ipc.open_file(written.getvalue()).read_all()


def _use_polars() -> None:
    import polars

    polars.select(polars.arange(2).sum())
