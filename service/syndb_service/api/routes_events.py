"""The route on which a job's changes are followed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from syndb_service.api.auth import Caller, Recheck, Wired
from syndb_service.api.event_stream import HEADERS, event_stream
from syndb_service.api.parameters import JobId
from syndb_service.api.refusals import Responses, header, refusals
from syndb_service.api.values import INT64
from syndb_service.api.waiting import WaitingRoom

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=INT64, description="The `id` of the last event that was read."),
]


EVENT = {
    "type": "object",
    "properties": {
        "event": {"const": "job"},
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "The record's version."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/JobRecord"},
        },
    },
    "required": ["event", "id", "data"],
}
EVENTS: Responses = {
    200: {
        "description": "`event: job`, with the version as `id` and the record as `data`; comments in between",
        "headers": {"Cache-Control": header("Never kept."), "X-Accel-Buffering": header("Never buffered.")},
        "content": {
            "text/event-stream": {
                "schema": EVENT,
                "example": 'id: 3\nevent: job\ndata: {"job_id": "6e1f0a52-…", "status": "running", …}\n\n',
            }
        },
    },
    204: {"description": "The listener has the final record already: don't come back"},
}


@router.get(
    "/{job_id:job}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses=EVENTS | refusals(404, 422),
)
async def follow_job(
    request: Request,
    job_id: JobId,
    caller: Caller,
    recheck: Recheck,
    service: Wired,
    last_event_id: LastEventId = None,
) -> Response:
    """Send an event for each change of the record, the present one first, and end with the final one."""
    room: WaitingRoom = request.app.state.waiting_room

    job = await run_in_threadpool(service.jobs.get, caller, job_id)
    known = last_event_id if last_event_id is not None and last_event_id <= job.version else 0
    if job.status.final and known == job.version:
        return Response(status_code=204)
    events = event_stream(room, lambda: service.jobs.get(caller, job_id), known, recheck)
    return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)
