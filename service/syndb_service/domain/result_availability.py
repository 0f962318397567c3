"""The availability of results: the errors of jobs whose result or preview can't be read."""

from __future__ import annotations

from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job
from syndb_service.errors import Conflict, Damaged, Expired, Lost, NotFound, UsageError

RETRY_AFTER_S = 1


def result_unavailable(job: Job) -> UsageError | None:
    """Return the error why a job's result can't be read; None if it can.

    Parameters
    ----------
    job : Job
        Any job.
    """
    if job.status is Status.COMPLETED and job.result is not None:
        if job.destroyed_at is not None:
            return _result_deleted(job)
        if job.reason is Reason.RESULT_DAMAGED:
            return result_damaged(job)
        return lost(job) if job.reason is Reason.RESULT_LOST else None
    if job.status is Status.FAILED:
        message = job.failure.message if job.failure else "unknown"
        return Conflict(
            f"the job failed and has no result: {message}",
            code="job_failed",
            hint=(job.failure and job.failure.hint) or "Correct the request and submit it again.",
        )
    if job.status is Status.CANCELLED:
        return Conflict(
            "the job was cancelled and has no result",
            code="job_cancelled",
            hint=f"POST /v1/jobs/{job.job_id}/rerun runs the same request again.",
        )
    return Conflict(
        f"the job is {job.status}; it has no result yet",
        code="result_not_ready",
        hint=f"GET /v1/jobs/{job.job_id}?wait=30&version={job.version} answers when that changes.",
        retry_after=RETRY_AFTER_S,
    )


def preview_unavailable(job: Job) -> UsageError:
    """Return the error why a job has no preview."""
    if job.kind is Kind.GRAPH:
        return Conflict(
            "a graph analysis has no rows to preview",
            code="no_preview",
            hint=f"GET /v1/jobs/{job.job_id}/result gives the analysis once it is completed.",
        )
    if job.status is Status.RUNNING or job.status is Status.PENDING:
        return Conflict(
            f"the job is {job.status}; it has given no rows yet",
            code="preview_not_ready",
            hint=f"GET /v1/jobs/{job.job_id}?wait=30&version={job.version} answers when it is further.",
            retry_after=RETRY_AFTER_S,
        )
    return result_unavailable(job) or NotFound(
        "no preview of this result was kept: one row alone is too large, or the result is older",
        code="no_preview",
        hint=f"GET /v1/jobs/{job.job_id}/result gives the whole result.",
    )


def result_damaged(job: Job) -> Damaged:
    """Return the error of a result file that was changed after it was written."""
    rerun = f"/v1/jobs/{job.job_id}/rerun"
    return Damaged(
        "the file of this result was changed or damaged in the result store, and is not given out",
        rerun=rerun,
        hint=f"POST {rerun} runs the same request again.",
    )


def lost(job: Job) -> Lost:
    """Return the error of a result file that is missing before its expiry."""
    rerun = f"/v1/jobs/{job.job_id}/rerun"
    return Lost(
        "the file of this result is not in the result store, although it has not expired; the record is kept",
        rerun=rerun,
        hint=f"POST {rerun} runs the same request again.",
    )


def _result_deleted(job: Job) -> Expired:
    return Expired(
        f"the result was destroyed on {job.destroyed_at:%Y-%m-%d at %H:%M} UTC; the record is kept",
        rerun=f"/v1/jobs/{job.job_id}/rerun",
        hint=f"POST /v1/jobs/{job.job_id}/rerun runs the same request again.",
    )
