"""The routes of jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from syndb_service.api.concurrency_limit import ConcurrencyLimit
from syndb_service.api.dependencies import Caller, Wired
from syndb_service.api.job_change_hub import JobChangeHub
from syndb_service.api.openapi_responses import Responses, error_responses, header
from syndb_service.api.routes.parameters import IdempotencyKey, JobId
from syndb_service.api.schemas.field_types import INT64, PRINTABLE, Flag, GivenMoment
from syndb_service.api.schemas.graph_request import GraphBody
from syndb_service.api.schemas.job_record import JobList, JobRecord, Validation, job_record, validation
from syndb_service.api.schemas.job_request import PatchBody, QueryBody
from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import Job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

CANCEL_CONFIRM_S = 2.0
LOCATION = {"Location": header("The job's record.", pattern="^/v1/jobs/[0-9a-f-]{36}$")}
SUBMITTED: Responses = {
    202: {"description": "Accepted: a new job", "headers": LOCATION},
    200: {
        "description": "The job that an earlier request with this Idempotency-Key created",
        "model": JobRecord,
        "headers": LOCATION,
    },
}


@router.post(
    "",
    status_code=202,
    summary="Submit SQL",
    responses=SUBMITTED | error_responses(400, 409, 413, 422, 429),
)
async def submit_query(
    body: QueryBody,
    caller: Caller,
    service: Wired,
    limit: ConcurrencyLimit,
    response: Response,
    key: IdempotencyKey = None,
) -> JobRecord:
    """Check the SQL, and accept it as a query job."""
    return await limit.run(lambda: _submission_response(caller, service, response, body, key))


@router.post(
    "/graph",
    status_code=202,
    summary="Submit a graph analysis",
    responses=SUBMITTED | error_responses(400, 404, 409, 413, 422, 429),
)
async def submit_graph(
    body: GraphBody,
    caller: Caller,
    service: Wired,
    limit: ConcurrencyLimit,
    response: Response,
    key: IdempotencyKey = None,
) -> JobRecord:
    """Accept a graph job; reject a graph that exceeds ``max_edges`` or the memory of a job."""
    return await limit.run(lambda: _submission_response(caller, service, response, body, key))


@router.post(
    "/validate",
    summary="Check SQL without running it",
    responses=error_responses(400, 413, 422, 429),
)
async def validate_query(
    body: QueryBody, caller: Caller, service: Wired, limit: ConcurrencyLimit
) -> Validation:
    """Check SQL without running it, and store nothing. SQL that can't run is answered with 200, too."""
    return await limit.run(lambda: validation(service.jobs.validate(caller, body.request())))


@router.get("", summary="List my jobs, newest first", responses=error_responses(422))
def list_jobs(
    caller: Caller,
    service: Wired,
    status: Annotated[list[Status] | None, Query(description="Only these statuses; repeatable.")] = None,
    kind: Annotated[Kind | None, Query(description="Only this kind.")] = None,
    label: Annotated[
        str | None, Query(max_length=200, pattern=PRINTABLE, description="Only this label.")
    ] = None,
    created_after: Annotated[
        GivenMoment | None, Query(description="Only jobs created after this time.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Jobs on a page.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> JobList:
    """Return a page of the user's jobs."""
    jobs, next_cursor = service.jobs.list(
        caller,
        statuses=status or (),
        kind=kind,
        label=label,
        created_after=created_after,
        limit=limit,
        cursor=cursor,
    )
    return JobList(jobs=[job_record(job) for job in jobs], next_cursor=next_cursor)


@router.get(
    "/{job_id:job}", summary="Show a job, or wait for its next change", responses=error_responses(404, 422)
)
async def show_job(
    request: Request,
    job_id: JobId,
    caller: Caller,
    service: Wired,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for a change.")] = 0,
    version: Annotated[
        int, Query(ge=0, le=INT64, description="Answer as soon as the record's version is above this.")
    ] = 0,
) -> JobRecord:
    """Return the record, at once or when it has changed."""
    change_hub: JobChangeHub = request.app.state.job_change_hub
    if wait <= 0:
        return job_record(await run_in_threadpool(service.jobs.get, caller, job_id))
    return job_record(
        await change_hub.wait_for_change(lambda: service.jobs.get(caller, job_id), version, wait)
    )


@router.delete(
    "/{job_id:job}", summary="Cancel a job, or destroy its result", responses=error_responses(404, 422)
)
async def cancel_job(
    request: Request,
    job_id: JobId,
    caller: Caller,
    service: Wired,
    purge: Annotated[Flag, Query(description="Destroy the result now; the record is kept.")] = False,
) -> JobRecord:
    """Cancel a job; wait up to 2 s for a running one to end before answering.

    A final job does not change, except that `purge` destroys its result.
    """
    job: Job = await run_in_threadpool(service.jobs.cancel, caller, job_id)
    if not job.status.final:
        change_hub: JobChangeHub = request.app.state.job_change_hub
        job = await change_hub.wait_for_change(
            lambda: service.jobs.get(caller, job_id), job.version, CANCEL_CONFIRM_S
        )
    if purge:
        job = await run_in_threadpool(service.jobs.purge, caller, job_id)
    return job_record(job)


@router.patch(
    "/{job_id:job}",
    summary="Label a job, or keep its result longer",
    responses=error_responses(400, 404, 409, 410, 413, 422),
)
def change_job(job_id: JobId, body: PatchBody, caller: Caller, service: Wired) -> JobRecord:
    """Change the label of a job, or the time at which its stored result is destroyed."""
    return job_record(service.jobs.change(caller, job_id, body.changes()))


@router.post(
    "/{job_id:job}/rerun",
    status_code=202,
    summary="Run the same request again",
    responses=SUBMITTED | error_responses(400, 404, 409, 413, 422, 429),
)
async def rerun_job(
    job_id: JobId,
    caller: Caller,
    service: Wired,
    limit: ConcurrencyLimit,
    response: Response,
    key: IdempotencyKey = None,
) -> JobRecord:
    """Submit the request of a job as a new job."""
    return await limit.run(lambda: _job_response(response, *service.jobs.rerun(caller, job_id, key)))


def _submission_response(
    caller: Caller,
    service: Wired,
    response: Response,
    body: QueryBody | GraphBody,
    key: str | None,
) -> JobRecord:
    job, new = service.jobs.submit(caller, body.request(), label=body.label, idempotency_key=key)
    return _job_response(response, job, new)


def _job_response(response: Response, job: Job, new: bool) -> JobRecord:
    response.status_code = 202 if new else 200
    response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return job_record(job)
