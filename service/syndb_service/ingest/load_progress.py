"""How far the database is with a statement, told while it runs."""

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
    con: duckdb.DuckDBPyConnection, tell: Progress, stage: str
) -> Iterator[Callable[[float], None]]:
    """Tell a stage, and what share of it is done: of the running statement, as DuckDB measures it.

    Yields
    ------
    callable
        Takes the share (0 to 1) while no statement runs, as when a file is read in Python.
    """
    passes = PassCounter(tell, stage)
    tell(stage, None)
    over = threading.Event()
    shown = threading.Thread(target=_follow, args=(con, passes, over), daemon=True)
    try:
        shown.start()
        yield passes.show
    finally:
        over.set()
    shown.join()


def _follow(con: duckdb.DuckDBPyConnection, passes: PassCounter, over: threading.Event) -> None:
    while not over.wait(_EVERY_S):
        try:
            share = con.query_progress() / 100
        except duckdb.Error:  # it was closed: Ctrl-C, or a finding
            return
        if 0 < share <= 1:
            passes.show(share)


class PassCounter:
    """A stage that goes over its rows several times, nobody knows how often: each pass is told as its own.

    Parameters
    ----------
    tell : callable
        Told the stage, and the share of it that is done.
    stage : str
        Its name.

    Examples
    --------
    >>> passes = PassCounter(print, "checking")
    >>> for share in (0.5, 1.0, 0.25):
    ...     passes.show(share)
    checking 0.5
    checking 1.0
    checking, pass 2 0.25
    """

    def __init__(self, tell: Progress, stage: str) -> None:
        self._tell = tell
        self._stage = stage
        self._pass = 1
        self._share = 0.0
        self._lock = threading.Lock()

    def show(self, share: float) -> None:
        """Take the share of the running pass; one below the last begins the next pass."""
        with self._lock:
            if share == self._share:
                return
            self._pass += share < self._share
            self._share = share
            name = self._stage if self._pass == 1 else f"{self._stage}, pass {self._pass}"
            self._tell(name, share)
