"""The part of a job that widgets use: its record, its result, and the actions of their buttons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from syndb_lab.http.transport import Transport


class NotebookJob(Protocol):
    """A job as a widget uses it, implemented by ``syndb_lab.Job``.

    Widgets do not import ``Job``, because ``Job`` imports the widgets that it opens.
    """

    _transport: Transport

    @property
    def record(self) -> dict[str, Any]:
        """The newest record of the job."""

    @record.setter
    def record(self, record: dict[str, Any]) -> None: ...

    @property
    def id(self) -> str:
        """The job's id."""

    @property
    def kind(self) -> str:
        """The kind: ``query`` or ``graph``."""

    @property
    def status(self) -> str:
        """The status in the newest record."""

    def preview(self) -> Any:
        """Fetch the first rows of the result, as an Arrow table."""

    def result_path(self, *, tell: Callable[[int], None] | None = None) -> Path:
        """Fetch the result file, and report the number of bytes received."""

    def answer(self) -> dict[str, Any]:
        """Return the JSON of a graph job."""

    def cancel(self) -> object:
        """Cancel the job."""

    def rerun(self) -> NotebookJob:
        """Submit the same job again, and return the new one."""
