"""Reports the progress of a running SQL statement."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

Progress = Callable[[str, float | None], None]

_EVERY_S: Final = 0.25


@contextmanager
def watch_statement(
    con: duckdb.DuckDBPyConnection, on_progress: Progress, stage: str
) -> Iterator[Callable[[float], None]]:
    """Report a stage and the fraction done of the running statement, as DuckDB measures it.

    Yields
    ------
    callable
        Receives the fraction (0 to 1) while no statement runs, for example when Python reads a file.
    """
    passes = PassCounter(on_progress, stage)
    on_progress(stage, None)
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(con, passes, ended), daemon=True)
    try:
        follower.start()
        yield passes.show
    finally:
        ended.set()
    follower.join()


def _follow(con: duckdb.DuckDBPyConnection, passes: PassCounter, ended: threading.Event) -> None:
    while not ended.wait(_EVERY_S):
        try:
            share = con.query_progress() / 100
        except duckdb.Error:  # the connection was closed, by Ctrl-C or after an issue
            return
        if 0 < share <= 1:
            passes.show(share)


class PassCounter:
    """A stage with an unknown number of passes over its rows; each pass is reported separately.

    Parameters
    ----------
    on_progress : callable
        Receives the stage and the fraction done.
    stage : str
        The name of the stage.

    Examples
    --------
    >>> passes = PassCounter(print, "checking")
    >>> for share in (0.5, 1.0, 0.25):
    ...     passes.show(share)
    checking 0.5
    checking 1.0
    checking, pass 2 0.25
    """

    def __init__(self, on_progress: Progress, stage: str) -> None:
        self._on_progress = on_progress
        self._stage = stage
        self._pass = 1
        self._share = 0.0
        self._lock = threading.Lock()

    def show(self, share: float) -> None:
        """Report the fraction of the running pass; a lower one than the last begins the next pass."""
        with self._lock:
            if share == self._share:
                return
            self._pass += share < self._share
            self._share = share
            name = self._stage if self._pass == 1 else f"{self._stage}, pass {self._pass}"
            self._on_progress(name, share)
