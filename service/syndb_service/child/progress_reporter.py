"""Telling the supervisor how far a query is, from a thread of its own while the engine works."""

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
"""The engine refreshes its figure only while it works for want of rows; where it is faster than those who
take them, the figure stands still. So many rows later it is no longer believed."""


class ProgressReporter:
    """What is told: the rows that the engine gave, the bytes that were written, the share that is done.

    The share is the engine's own figure; once that is stale, it is counted in rows where their number is
    known, and unknown elsewhere.

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
    total_rows : callable
        Asked once, when it is needed: how many rows will come; None where nobody knows.
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
        self._figure = 0.0
        self._figure_at = 0
        self._before_rows = 0.0
        self._total: int | None = None
        self._told: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def send(self) -> None:
        """Tell it now, if it has changed."""
        with self._lock:
            if self._fraction_known:
                self._read_figure()
            else:
                self._count()
            now: dict[str, Any] = {
                "phase": "executing",
                "fraction": None if self._fraction is None else round(self._fraction, 4),
                "rows": self.rows,
                "bytes": self._sink.bytes,
            }
            if now != self._told:
                self._frames.send(FrameType.PROGRESS, now)
                self._told = now

    def _read_figure(self) -> None:
        rows, figure = self.rows, self._connection.query_progress() / 100
        if figure > self._figure:
            self._figure, self._figure_at = figure, rows
        if not rows:
            self._before_rows = self._figure
        if rows - self._figure_at > STALE_ROWS:
            self._fraction_known = False
            self._total = self._total_rows()
            self._count()
        elif figure >= 0 or self._fraction is not None:
            self._fraction = min(max(self._fraction or 0.0, self._figure), 0.99)

    def _count(self) -> None:
        if not self._total:
            self._fraction = None
            return
        counted = self._before_rows + (1 - self._before_rows) * self.rows / self._total
        self._fraction = min(max(self._fraction or 0.0, counted), 0.99)


@contextmanager
def report_progress(report: ProgressReporter) -> Iterator[ProgressReporter]:
    """Tell progress whenever it has changed, until the block ends."""

    def send_progress() -> None:
        if thread.wait(PROGRESS_S):
            return
        try:
            report.send()
        except OSError as error:  # nobody listens any more
            raise EndOfRounds from error

    thread = BackgroundThread("progress", send_progress)
    thread.start()
    try:
        yield report
    finally:
        thread.stop()
