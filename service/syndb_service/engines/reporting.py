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
    """What is told: the rows that the engine gave, the bytes that were written, the share that is done."""

    def __init__(
        self,
        frames: FrameSocket,
        connection: duckdb.DuckDBPyConnection,
        sink: FrameSink,
        fraction_known: bool,
    ) -> None:
        self.rows = 0
        self._frames = frames
        self._connection = connection
        self._sink = sink
        self._fraction_known = fraction_known
        self._fraction = 0.0
        self._told: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def tell(self) -> None:
        """Tell it now, if it has changed."""
        with self._lock:
            percent = self._connection.query_progress() if self._fraction_known else -1.0
            self._fraction = max(self._fraction, min(percent / 100, 0.99))
            now: dict[str, Any] = {
                "phase": "executing",
                "fraction": round(self._fraction, 4) if percent >= 0 else None,
                "rows": self.rows,
                "bytes": self._sink.bytes,
            }
            if now != self._told:
                self._frames.send(FrameKind.PROGRESS, now)
                self._told = now


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
    report, ended = Report(frames, connection, sink, fraction_known), threading.Event()

    def tell() -> None:
        while not ended.wait(PROGRESS_S):
            report.tell()

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield report
    finally:
        ended.set()
        thread.join()
