"""Telling the supervisor how far a query is, from a thread of its own while the engine works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from syndb_service.engines.frames import FrameKind, FrameSink, FrameSocket

PROGRESS_S = 0.2


class Report:
    """What is told: the rows that were written so far."""

    def __init__(self) -> None:
        self.rows = 0


@contextmanager
def reporting(
    frames: FrameSocket, connection: duckdb.DuckDBPyConnection, sink: FrameSink, *, fraction_known: bool
) -> Iterator[Report]:
    """Tell progress whenever it has changed, until the block ends.

    Parameters
    ----------
    frames : FrameSocket
        Where it is told.
    connection : duckdb.DuckDBPyConnection
        The engine that is asked.
    sink : FrameSink
        Knows the bytes that were written.
    fraction_known : bool
        Whether the engine's figure means anything for this query.
    """
    report, ended = Report(), threading.Event()

    def tell() -> None:
        fraction, told = 0.0, None
        while not ended.wait(PROGRESS_S):
            percent = connection.query_progress() if fraction_known else -1.0
            fraction = max(fraction, min(percent / 100, 0.99))
            now: dict[str, Any] = {
                "phase": "executing",
                "fraction": round(fraction, 4) if percent >= 0 else None,
                "rows": report.rows,
                "bytes": sink.bytes,
            }
            if now != told:
                frames.send(FrameKind.PROGRESS, now)
                told = now

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield report
    finally:
        ended.set()
        thread.join()
