"""Progress of a query, sent to the parent by a background thread while the engine works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from syndb_service.isolation.channel import ChildChannel, FrameType, FrameWriter
from syndb_service.runtime.background import BackgroundThread, EndOfRounds

PROGRESS_S = 0.2
STALE_ROWS = 131_072
"""Rows after which an unchanged progress value of the engine is ignored. The engine updates it only while
the reader waits for rows; if the engine is faster than the reader, the value doesn't change."""


class ProgressReporter:
    """Reporter of rows received from the engine, bytes written and the fraction done.

    The fraction is the engine's own value. If that is stale, it is computed from the rows if their total is
    known; otherwise it is unknown.

    Parameters
    ----------
    frames : ChildChannel
        The channel to the parent.
    connection : duckdb.DuckDBPyConnection
        The connection that runs the query.
    sink : FrameWriter
        Counts the bytes that were written.
    fraction_known : bool
        Whether the engine's value is meaningful for this query.
    total_rows : callable
        Returns the total number of rows, or None if it is unknown; called at most once.
    """

    def __init__(
        self,
        frames: ChildChannel,
        connection: duckdb.DuckDBPyConnection,
        sink: FrameWriter,
        fraction_known: bool,
        total_rows: Callable[[], int | None],
    ) -> None:
        self.rows = 0
        self._frames = frames
        self._connection = connection
        self._sink = sink
        self._fraction_known = fraction_known
        self._total_rows = total_rows
        self._fraction: float | None = None
        self._engine_value = 0.0
        self._engine_value_rows = 0
        self._before_rows = 0.0
        self._total: int | None = None
        self._sent: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def send(self) -> None:
        """Send the progress if it has changed."""
        with self._lock:
            if self._fraction_known:
                self._read_engine_value()
            else:
                self._count()
            now: dict[str, Any] = {
                "phase": "executing",
                "fraction": None if self._fraction is None else round(self._fraction, 4),
                "rows": self.rows,
                "bytes": self._sink.bytes,
            }
            if now != self._sent:
                self._frames.send(FrameType.PROGRESS, now)
                self._sent = now

    def _read_engine_value(self) -> None:
        rows, value = self.rows, self._connection.query_progress() / 100
        if value > self._engine_value:
            self._engine_value, self._engine_value_rows = value, rows
        if not rows:
            self._before_rows = self._engine_value
        if rows - self._engine_value_rows > STALE_ROWS:
            self._fraction_known = False
            self._total = self._total_rows()
            self._count()
        elif value >= 0 or self._fraction is not None:
            self._fraction = min(max(self._fraction or 0.0, self._engine_value), 0.99)

    def _count(self) -> None:
        if not self._total:
            self._fraction = None
            return
        counted = self._before_rows + (1 - self._before_rows) * self.rows / self._total
        self._fraction = min(max(self._fraction or 0.0, counted), 0.99)


@contextmanager
def report_progress(report: ProgressReporter) -> Iterator[ProgressReporter]:
    """Send progress from a background thread until the block ends."""

    def send_progress() -> None:
        if thread.wait(PROGRESS_S):
            return
        try:
            report.send()
        except OSError as error:  # the parent closed the channel
            raise EndOfRounds from error

    thread = BackgroundThread("progress", send_progress)
    thread.start()
    try:
        yield report
    finally:
        thread.stop()
