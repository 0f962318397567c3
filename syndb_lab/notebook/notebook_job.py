"""What the widgets need of a job: its record, its result, and the actions of their buttons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from syndb_lab.http.transport import Transport


class NotebookJob(Protocol):
    """A job as a widget sees it; ``syndb_lab.Job`` is one.

    The widgets import no ``Job``: a job opens widgets, and the two would import each other.
    """

    _transport: Transport

    @property
    def record(self) -> dict[str, Any]:
        """The newest record of the job."""

    @record.setter
    def record(self, record: dict[str, Any]) -> None: ...

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """Either ``query`` or ``graph``."""

    @property
    def status(self) -> str:
        """Its status in the newest record."""

    def preview(self) -> Any:
        """Fetch the first rows of its result, as an Arrow table."""

    def result_path(self, *, on_progress: Callable[[int], None] | None = None) -> Path:
        """Fetch its result file, and report how many bytes have arrived."""

    def answer(self) -> dict[str, Any]:
        """Return the JSON of a graph job."""

    def cancel(self) -> object:
        """Cancel it."""

    def rerun(self) -> NotebookJob:
        """Submit the same job again, and return the new one."""
