"""The routes that stream changes of jobs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from syndb_service.api.dependencies import Caller, Recheck, Wired
from syndb_service.api.job_event_stream import HEADERS, event_stream
from syndb_service.api.openapi_responses import Responses, error_responses, header
from syndb_service.api.routes.parameters import JobId
from syndb_service.api.schemas.field_types import INT64
from syndb_service.api.stream_limit import CountedStream, StreamLimit
from syndb_service.container import Container
from syndb_service.domain.access import Principal
from syndb_service.domain.jobs import Job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LastEventId = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        ge=0,
        le=INT64,
        description="The `id` of the last event that the client received.",
    ),
]

MAX_JOBS = 100
UUID_FORM = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
EVENT_ID = re.compile(f"{UUID_FORM}:[0-9]{{1,18}}")
FollowedJobs = Annotated[
    list[Annotated[str, Query(pattern=f"^{UUID_FORM}(?::[0-9]{{1,18}})?$")]],
    Query(
        min_length=1,
        max_length=MAX_JOBS,
        description=f"A job's id, and after a colon the version that the client has; repeatable, "
        f"{MAX_JOBS} at most.",
        examples=[["6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11:3"]],
    ),
]
LastEventIdOfMany = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=256,
        description="The `id` of the last event that the client received; ignored if no `job` has it.",
    ),
]


def event_schema(id_pattern: str, id_description: str) -> dict[str, Any]:
    """Describe an event with a job's record."""
    return {
        "type": "object",
        "properties": {
            "event": {"const": "job"},
            "id": {"type": "string", "pattern": id_pattern, "description": id_description},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/JobRecord"},
            },
        },
        "required": ["event", "id", "data"],
    }


REFUSED_EVENT = {
    "type": "object",
    "properties": {
        "event": {"const": "refused"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "allOf": [
                    {"$ref": "#/components/schemas/Problem"},
                    {
                        "type": "object",
                        "properties": {"job_id": {"type": "string", "format": "uuid"}},
                        "required": ["job_id"],
                    },
                ]
            },
        },
    },
    "required": ["event", "data"],
}


def answer(description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    """Describe a response that is a stream of events."""
    return {
        "description": description,
        "headers": {
            "Cache-Control": header("Never stored."),
            "X-Accel-Buffering": header("Never buffered."),
            "Syndb-Heartbeat": header(
                "Seconds without an event after which a comment is sent: a stream that is silent for much "
                "longer is dead.",
                pattern="^[0-9.]+$",
            ),
        },
        "content": {"text/event-stream": {"schema": schema, "example": example}},
    }


RECORD = '{"job_id": "6e1f0a52-…", "status": "running", …}'
EVENTS: Responses = {
    200: answer(
        "`event: job`, with the version as `id` and the record as `data`; comments in between",
        event_schema("^[0-9]+$", "The record's version."),
        f"id: 3\nevent: job\ndata: {RECORD}\n\n",
    ),
    204: {"description": "The client has the final record already: do not reconnect"},
}
EVENTS_OF_MANY: Responses = {
    200: answer(
        "`event: job`, with job and version as `id` and the record as `data`; `event: refused`, with a "
        "problem and its `job_id` as `data`, for a job that does not exist; comments in between",
        {"anyOf": [event_schema(f"^{UUID_FORM}:[0-9]+$", "`JOB:VERSION`."), REFUSED_EVENT]},
        f"id: 6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11:3\nevent: job\ndata: {RECORD}\n\n",
    ),
}


@router.get(
    "/events",
    summary="Follow several jobs",
    response_class=StreamingResponse,
    responses=EVENTS_OF_MANY | error_responses(422),
)
async def follow_jobs(
    request: Request,
    caller: Caller,
    recheck: Recheck,
    service: Wired,
    job: FollowedJobs,
    last_event_id: LastEventIdOfMany = None,
) -> Response:
    """Send the current records, then an event for each change; end after the last final record.

    A record whose version the client has is not sent again, unless it is final.
    """
    known = dict(_parse_event_id(text) for text in job)
    if last_event_id is not None and EVENT_ID.fullmatch(last_event_id):
        job_id, version = _parse_event_id(last_event_id)
        known |= {job_id: version} if job_id in known else {}
    return _stream(
        request,
        caller,
        recheck,
        service,
        known,
        lambda found: f"{found.job_id}:{found.version}",
    )


@router.get(
    "/{job_id:job}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses=EVENTS | error_responses(404, 422),
)
async def follow_job(
    request: Request,
    job_id: JobId,
    caller: Caller,
    recheck: Recheck,
    service: Wired,
    last_event_id: LastEventId = None,
) -> Response:
    """Send the current record, then an event for each change; end after the final record."""
    job = await run_in_threadpool(service.jobs.get, caller, job_id)
    if job.status.final and last_event_id == job.version:
        return Response(status_code=204)
    return _stream(
        request,
        caller,
        recheck,
        service,
        {job.job_id: last_event_id or 0},
        lambda found: str(found.version),
    )


def _parse_event_id(text: str) -> tuple[str, int]:
    job_id, _, version = text.partition(":")
    return str(uuid.UUID(job_id)), int(version or 0)


def _stream(
    request: Request,
    caller: Principal,
    recheck: Callable[[], object],
    service: Container,
    known: Mapping[str, int],
    name: Callable[[Job], str],
) -> Response:
    limit: StreamLimit = request.app.state.stream_limit

    def read(job_ids: Collection[str]) -> Mapping[str, Job]:
        return service.jobs.several(caller, job_ids)

    events = event_stream(request.app.state.job_change_hub, read, known, recheck, name=name)
    return CountedStream(events, limit.begin(caller.user), HEADERS)
