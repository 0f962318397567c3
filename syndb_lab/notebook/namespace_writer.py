"""Where a card's clicks reach the notebook: which variable takes what is loaded, or run again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from syndb_lab.notebook.notebook_job import NotebookJob
from syndb_lab.results.data_frames import FrameKind
from syndb_lab.results.download import ignore_progress


class NamespaceWriter:
    """The variables of a notebook, as far as one card changes them.

    Parameters
    ----------
    namespace : dict
        The notebook's variables.
    variable : str or None
        The one that holds the job's handle.
    kind : {'polars', 'pandas', 'arrow', 'duckdb'}
        What a result is read into.
    """

    def __init__(self, namespace: dict[str, Any], variable: str | None, kind: FrameKind) -> None:
        self._namespace = namespace
        self._variable = variable
        self._kind = kind
        self._given: dict[str, Callable[[], Any]] = {}

    def load(self, job: NotebookJob, tell: Callable[[int], None] | None = None) -> str:
        """Read the result into a variable of its own; say which. ``tell`` is told of the bytes that come.

        A variable that somebody else has assigned is left alone: the next free name is taken.
        """
        job.result_path(on_progress=tell or ignore_progress)
        value = job.answer() if job.kind == "graph" else getattr(job, f"to_{self._kind}")()
        name = self._unused_name(
            f"{self._variable or f'job_{job.id[:8]}'}_{'answer' if job.kind == 'graph' else 'frame'}"
        )
        self._namespace[name] = value
        self._given[name] = weak_reference(value)
        return f"loaded into {name} ({describe_value(value, self._kind)})"

    def rerun(self, old: NotebookJob, new: NotebookJob) -> str:
        """Put the new job's handle where the old one was; say so."""
        said = f"a rerun of job {old.id[:8]}"
        if self._variable and self._namespace.get(self._variable) is old:
            self._namespace[self._variable] = new
            return f"{said}; {self._variable} is this job now"
        return said

    def _unused_name(self, name: str) -> str:
        free, number = name, 1
        while free in self._namespace and not self._is_own(free):
            number += 1
            free = f"{name}_{number}"
        return free

    def _is_own(self, name: str) -> bool:
        return name in self._given and self._given[name]() is self._namespace[name]


def weak_reference(value: Any) -> Callable[[], Any]:
    """Remember a value without keeping a frame's memory; an answer, which is a dictionary, is kept."""
    return (lambda: value) if isinstance(value, dict) else weakref.ref(value)


def describe_value(value: Any, kind: str) -> str:
    """Say what was loaded."""
    if isinstance(value, dict):
        return "a dictionary"
    rows, columns = value.shape
    return f"{kind}, {rows:,} × {columns}"
