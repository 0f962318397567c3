"""Writes loaded results and rerun jobs into the notebook's variables."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from syndb_lab.notebook.notebook_job import NotebookJob
from syndb_lab.results.data_frames import FrameKind
from syndb_lab.results.download import ignore_progress


class NamespaceWriter:
    """The variables of a notebook that one card sets.

    Parameters
    ----------
    namespace : dict
        The notebook's variables.
    variable : str or None
        The variable that holds the job's handle.
    kind : {'polars', 'pandas', 'arrow', 'duckdb'}
        Type of the data frame for a result.
    """

    def __init__(self, namespace: dict[str, Any], variable: str | None, kind: FrameKind) -> None:
        self._namespace = namespace
        self._variable = variable
        self._kind = kind
        self._own_values: dict[str, Callable[[], Any]] = {}

    def load(self, job: NotebookJob, on_progress: Callable[[int], None] | None = None) -> str:
        """Load the result into a new variable, and return a note with its name.

        ``on_progress`` receives the number of bytes loaded. A variable that the user has assigned is never
        overwritten; the next free name is used.
        """
        job.result_path(tell=on_progress or ignore_progress)
        value = job.answer() if job.kind == "graph" else getattr(job, f"to_{self._kind}")()
        name = self._unused_name(
            f"{self._variable or f'job_{job.id[:8]}'}_{'answer' if job.kind == 'graph' else 'frame'}"
        )
        self._namespace[name] = value
        self._own_values[name] = weak_reference(value)
        return f"loaded into {name} ({describe_value(value, self._kind)})"

    def rerun(self, old: NotebookJob, new: NotebookJob) -> str:
        """Assign the new job to the variable of the old one, and return a note for the card."""
        note = f"a rerun of job {old.id[:8]}"
        if self._variable and self._namespace.get(self._variable) is old:
            self._namespace[self._variable] = new
            return f"{note}; {self._variable} is this job now"
        return note

    def _unused_name(self, name: str) -> str:
        free, number = name, 1
        while free in self._namespace and not self._is_own(free):
            number += 1
            free = f"{name}_{number}"
        return free

    def _is_own(self, name: str) -> bool:
        return name in self._own_values and self._own_values[name]() is self._namespace[name]


def weak_reference(value: Any) -> Callable[[], Any]:
    """Refer to a value without holding a data frame in memory; a dictionary (an answer) is held."""
    return (lambda: value) if isinstance(value, dict) else weakref.ref(value)


def describe_value(value: Any, kind: str) -> str:
    """Describe a loaded value."""
    if isinstance(value, dict):
        return "a dictionary"
    rows, columns = value.shape
    return f"{kind}, {rows:,} × {columns}"
