"""Problem details (RFC 9457): the HTTP form of every error."""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from syndb_service.api.field_errors import invalid_request
from syndb_service.api.schemas.job_record import Problem
from syndb_service.errors import (
    Conflict,
    Expired,
    InvalidQuery,
    InvalidRequest,
    RangeNotSatisfiable,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    UsageError,
)
from syndb_service.logs import printable
from syndb_service.text.truncation import HINT_CHARACTERS, MESSAGE_CHARACTERS, shorten

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "2"
ERROR_CODE = "syndb.error_code"
"""Key of the ASGI scope: the code of the error that the request ended with."""


def problem(error: ServiceError) -> JSONResponse:
    """Return an error as a response."""
    return JSONResponse(problem_body(error), error.http, _headers(error), MEDIA_TYPE)


def problem_body(error: ServiceError) -> dict[str, Any]:
    """Return an error as the body of a response.

    Control characters are removed. The body of an outage contains only the name of the dependency: its
    driver's message may contain addresses, and is written to the log.
    """
    detail = printable(shorten(error.public_message, MESSAGE_CHARACTERS))
    body = Problem(
        type=f"urn:syndb:error:{error.error_code}",
        title=error.title,
        status=error.http,
        detail=detail,
        code=error.error_code,
        hint=None if error.hint is None else printable(shorten(error.hint, HINT_CHARACTERS)),
        error=detail,
    )
    if isinstance(error, InvalidQuery):
        body.line, body.column = error.line, error.column
    if isinstance(error, Expired):
        body.rerun = error.rerun
    return body.model_dump()


def _headers(error: ServiceError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, Expired):
        headers["Link"] = f'<{error.rerun}>; rel="rerun"'
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="syndb"'
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, Conflict | TooManyRequests) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.http == 503:
        headers["Retry-After"] = RETRY_AFTER
    return headers


def install(app: FastAPI) -> None:
    """Register handlers that turn every error of ``app`` into problem details."""

    @app.exception_handler(ServiceError)
    async def _service_error(request: Request, error: ServiceError) -> JSONResponse:
        if error.http >= 500:
            log.error("%s %s: %s", request.method, printable(request.url.path), error.message)
        request.scope[ERROR_CODE] = error.error_code
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        request.scope[ERROR_CODE] = InvalidRequest.code
        return problem(invalid_request(error.errors(), error.body, request.scope.get("route")))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            request.scope[ERROR_CODE] = InvalidRequest.code
            return problem(UNREADABLE)
        unrouted = _UnroutedRequest(
            f"{request.method} {request.url.path}: {error.detail}",
            code={404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request"),
            hint="The routes are listed in /openapi.json.",
        )
        request.scope[ERROR_CODE] = unrouted.error_code
        body = problem_body(unrouted) | {"status": error.status_code, "title": str(error.detail)}
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(_allowed_methods(request)))
        return JSONResponse(body, error.status_code, headers, MEDIA_TYPE)


UNREADABLE: Final = InvalidRequest(
    "the body can't be read: it is not UTF-8, nested too deeply, or contains a number of thousands of digits",
    hint="Send plain JSON in UTF-8, without compression.",
)


class _UnroutedRequest(UsageError):
    """A request that matches no route."""


def _allowed_methods(request: Request) -> set[str]:
    """Return the methods of all routes with this path; each method is a route of its own."""
    scope = {"type": "http", "path": request.url.path, "root_path": "", "headers": []}
    return {
        method
        for method in ("GET", "HEAD", "POST", "PATCH", "DELETE")
        for route in request.app.router.routes
        if route.matches({**scope, "method": method})[0] is Match.FULL
    }
