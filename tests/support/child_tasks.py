"""Tasks for children of tests: small limits, and what a test does not say left empty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syndb_service.domain.child_task import CheckTask, QueryTask, TaskFiles, TaskLimits

CHECK_TASK = CheckTask(
    limits=TaskLimits(memory_bytes=2**29, address_space_bytes=3 * 2**30), max_query_bytes=1000
)


def query_task(
    folder: str | Path,
    sql: str,
    *,
    sources: Mapping[str, tuple[str, ...]] | None = None,
    limits: Mapping[str, int] | None = None,
    **changes: Any,
) -> QueryTask:
    """Build the task of a query whose only directory is ``folder``."""
    of_child = {"memory_bytes": 2**29, "address_space_bytes": 3 * 2**30, "threads": 1, "temp_bytes": 0}
    fields = {
        "job_id": "6e1f",
        "created_at": "",
        "sql": sql,
        "original_sql": sql,
        "format": "arrow",
        "max_query_bytes": 2**20,
    }
    return QueryTask(
        limits=TaskLimits(**{**of_child, **(limits or {})}),
        files=TaskFiles(sources=sources or {}, temp_dir=str(folder), data_dir=str(folder)),
        **{**fields, **changes},
    )
