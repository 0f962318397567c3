"""Conversion of a row of the table ``jobs`` to a job record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from syndb_service.domain.job_status import Reason, Status
from syndb_service.domain.jobs import Failure, Job, JobRequest, Progress, Result


def job_of(row: Row[Any], queue_position: int | None = None) -> Job:
    """Convert a row of the table ``jobs`` to a job record."""
    return Job(
        job_id=row.job_id,
        owner=row.owner,
        request=JobRequest.from_dict(row.request),
        status=Status(row.status),
        reason=_reason(row.reason),
        version=row.version,
        created_at=row.created_at,
        label=row.label,
        rerun_of=row.rerun_of,
        started_at=row.started_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
        destroyed_at=row.destroyed_at,
        attempt=row.attempt,
        deaths=row.deaths,
        outages=row.outages,
        cancel_requested=row.cancel_requested,
        progress=None if row.progress is None else Progress.from_dict(row.progress),
        result=None if row.result is None else Result.from_dict(row.result),
        failure=None if row.failure is None else Failure.from_dict(row.failure),
        queue_position=queue_position,
        datasets=row.datasets,
    )


def _reason(stored: str | None) -> Reason | None:
    """Convert a stored reason; return None for one that only a newer version of the service knows."""
    return Reason(stored) if stored in set(Reason) else None
