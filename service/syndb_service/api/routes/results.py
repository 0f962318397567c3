"""The routes of a job's result and of its preview."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import RedirectResponse

from syndb_service.api.dependencies import Caller, Wired
from syndb_service.api.openapi_responses import error_responses, header
from syndb_service.api.result_response import result_response
from syndb_service.api.routes.parameters import JobId
from syndb_service.api.schemas.field_types import Flag
from syndb_service.domain.jobs import MEDIA_TYPES

router = APIRouter(prefix="/v1/jobs", tags=["results"])

LINK_S = 300
BINARY = {"schema": {"type": "string", "format": "binary"}}
NO_STORE = {"Cache-Control": header("Never stored.", const="no-store")}
VALIDATORS = {
    "ETag": header("The file's SHA-256.", pattern='^"[0-9a-f]{64}"$'),
    "Last-Modified": header("When the job ended."),
    "Expires": header("When the result is destroyed."),
    "Cache-Control": header("Only for its owner.", const="private"),
    "Accept-Ranges": header("The unit of ranges.", const="bytes"),
    "Repr-Digest": header("The SHA-256 of the whole file, in the form of RFC 9530."),
}
FILE = VALIDATORS | {"Content-Disposition": header("The name of the file.")}
PartName = Annotated[
    Literal["neurons"] | None,
    Query(description="`neurons`: the table of neurons of a graph job with `node_table`, as Arrow."),
]
ANALYSIS = {"schema": {"$ref": "#/components/schemas/GraphAnswer"}}
KINDS = dict.fromkeys(MEDIA_TYPES.values(), BINARY) | {MEDIA_TYPES["json"]: ANALYSIS}
WHOLE = {"description": "The file", "headers": FILE, "content": KINDS}
PART = {
    "description": "The requested range; several are `multipart/byteranges`",
    "headers": FILE | {"Content-Range": {**header("The range."), "required": False}},
    "content": dict.fromkeys((*MEDIA_TYPES.values(), "multipart/byteranges"), BINARY),
}
UNCHANGED = {"description": "The client has it already", "headers": VALIDATORS}
ELSEWHERE = {
    "description": "A link to the store, valid for 5 minutes",
    "headers": NO_STORE | {"Location": header("The link.", format="uri")},
}
PREVIEW = {
    "description": "An Arrow file",
    "headers": NO_STORE,
    "content": {MEDIA_TYPES["arrow"]: BINARY},
}


@router.get(
    "/{job_id:job}/preview",
    summary="Show the first rows",
    response_class=Response,
    responses={200: PREVIEW, **error_responses(404, 409, 410)},
)
def preview_result(job_id: JobId, caller: Caller, service: Wired) -> Response:
    """Return up to 100 rows as an Arrow file, as soon as there are any, for every format of the result."""
    data = service.jobs.preview(caller, job_id)
    return Response(data, media_type=MEDIA_TYPES["arrow"], headers={"Cache-Control": "no-store"})


@router.get(
    "/{job_id:job}/result",
    summary="Download the result",
    response_class=Response,
    responses={
        200: WHOLE,
        206: PART,
        304: UNCHANGED,
        307: ELSEWHERE,
        **error_responses(404, 409, 410, 416, 422),
    },
)
def download_result(
    request: Request,
    job_id: JobId,
    caller: Caller,
    service: Wired,
    part: PartName = None,
    redirect: Annotated[
        Flag, Query(description="Redirect to a short-lived URL of the store, if the store has one.")
    ] = False,
    range_: Annotated[
        str | None, Header(alias="Range", description="Parts of the file: `bytes=0-99`, `bytes=-100`.")
    ] = None,
    if_range: Annotated[
        str | None, Header(alias="If-Range", description="Use Range only for this ETag or Last-Modified.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="Answer 304 for this ETag.")
    ] = None,
) -> Response:
    """Return the file or ranges of it, with its SHA-256 as a strong ETag."""
    file = service.jobs.result(caller, job_id, part)
    url = file.url(LINK_S) if redirect else None
    if url is not None:
        return RedirectResponse(url, 307, {"Cache-Control": "no-store"})
    return result_response(file, request.headers, head=False)


@router.head(
    "/{job_id:job}/result",
    summary="Show the result's size and checksum",
    response_class=Response,
    responses={200: WHOLE, 304: UNCHANGED, **error_responses(404, 409, 410, 422)},
)
def inspect_result(
    request: Request,
    job_id: JobId,
    caller: Caller,
    service: Wired,
    part: PartName = None,
    redirect: Annotated[Flag, Query(description="Accepted as by GET, and ignored.")] = False,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="Answer 304 for this ETag.")
    ] = None,
) -> Response:
    """Return the headers of GET, without the file."""
    return result_response(service.jobs.result(caller, job_id, part), request.headers, head=True)
