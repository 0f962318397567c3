"""Polars in a forked process: its threads exist in the parent only, and calls that need them never return."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.fork_safety import BEFORE_FORK

THREAD: Final = re.compile(r"polars-\d|async-executor")


class _Fork:
    """The state of the last fork: whether polars had threads, and whether this process lacks them."""

    had_threads = False
    lacks_threads = False

    def before(self) -> None:
        self.had_threads = "polars" in sys.modules and any(map(THREAD.match, thread_names()))

    def after(self) -> None:
        self.lacks_threads |= self.had_threads


FORK: Final = _Fork()


def refuse_polars_after_fork() -> None:
    """Raise in a process in which polars would wait forever.

    Raises
    ------
    ResultUnsuitable
        This process was forked from one that had used polars.
    """
    if FORK.lacks_threads:
        raise ResultUnsuitable(
            "polars can't work in this process: it was forked from one that had used polars",
            hint="Read the result here with to_arrow(), to_pandas() or to_duckdb(), or make fresh processes: "
            'multiprocessing.get_context("spawn").',
        )


def thread_names() -> list[str]:
    """Return the names of the threads of this process, including those of native libraries."""
    names = []
    with suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):
                names.append((task / "comm").read_text())
    return names


BEFORE_FORK.append(FORK.before)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORK.after)
