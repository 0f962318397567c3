"""The check result below the editor: of a check, an error, or an unavailable service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syndb_lab.errors import PlacedError, SyndbError
from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.sql.dry_run import DryRun

BLANK: Final[dict[str, Any]] = {
    "message": "",
    "hint": "",
    "line": None,
    "column": None,
    "columns": [],
    "facts": [],
    "advice": [],
    "parameters": [],
    "troubles": {},
}


def check_result(draft: Draft, state: str, **fields: Any) -> dict[str, Any]:
    """Build the check result of a draft.

    ``state`` is ``empty``, ``valid``, ``invalid``, ``open`` (a value is missing), ``ready`` (a graph job,
    which has no check before it runs), ``unchecked`` or ``away`` (the service is unavailable).
    """
    return {**BLANK, "serial": draft.serial, "by": draft.by, "state": state, **fields}


def error_result(error: Exception) -> dict[str, Any]:
    """Return the fields of an error: the message, the hint, and the position in the SQL."""
    if not isinstance(error, SyndbError):
        return {"message": f"{type(error).__name__}: {error}", "hint": ""}
    placed = isinstance(error, PlacedError)
    return {
        "message": error.message,
        "hint": error.hint or "",
        "line": error.line if placed else None,  # type: ignore[attr-defined]
        "column": error.column if placed else None,  # type: ignore[attr-defined]
    }


def success_result(run: DryRun, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a valid query: its columns and facts; datasets by name if it is known."""
    rows = run.estimated_rows
    datasets = [names.get(dataset_id, dataset_id) for dataset_id in run.found["dataset_ids"]]
    facts = [
        "" if rows is None else f"about {rows:,} row{'' if rows == 1 else 's'}",
        f"reads {', '.join(run.found['tables'])}" if run.found["tables"] else "",
        f"of {', '.join(datasets)}" if datasets else "",
    ]
    return {
        "columns": [{"name": column["name"], "type": column["type"]} for column in run.found["columns"]],
        "facts": [fact for fact in facts if fact],
        "advice": run.advice,
    }
