"""Middleware that gives each request an id, logs and counts it, and answers if the application fails."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndb_service.api import problem_details
from syndb_service.api.rate_limit import PRINCIPAL, USER
from syndb_service.audit import audit
from syndb_service.domain.access import Principal
from syndb_service.errors import ServiceError, TransientError
from syndb_service.logs import REQUEST_ID, printable

log = logging.getLogger(__name__)

HEADER: Final = b"x-request-id"
ACCEPTED: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
READ_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
RESULT_ROUTES: Final = ("/result", "/preview")
QUIET: Final = frozenset({"/health", "/health/ready", "/metrics"})

Count = Callable[[str, str, int, float], None]


class RequestLogMiddleware:
    """Gives every request an id, and logs, counts and audits it.

    Parameters
    ----------
    app : ASGIApp
        The application.
    count : callable
        Called once for each request with its method, route template, status and seconds.
    """

    def __init__(self, app: ASGIApp, count: Count) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its response has the id that the client sent, or a new one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        token = REQUEST_ID.set(request_id)
        request = _RequestInfo(scope, request_id)

        async def send_and_record(message: Message) -> None:
            request.note(message)
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        except asyncio.CancelledError:  # this process shuts down
            if request.status:
                raise
            await STOPPING(scope, receive, send_and_record)
        except Exception as error:
            if request.status and (cause := _service_error(error)) is not None:
                message = "%s %s: response aborted: %s"
                path = printable(scope["path"])
                log.error(message, scope["method"], path, cause, extra=request.extra())
                return  # the server closes the connection of an incomplete response
            log.exception("%s %s failed", scope["method"], printable(scope["path"]), extra=request.extra())
            if request.status:
                raise
            await FAILED(scope, receive, send_and_record)
        finally:
            REQUEST_ID.reset(token)
            self._end(request)

    def _end(self, request: _RequestInfo) -> None:
        extra = request.extra()
        self._count(extra["method"], extra["route"], extra["status"], extra["seconds"])
        level = logging.DEBUG if extra["route"] in QUIET else logging.INFO
        _audit(request, extra)
        log.log(level, "%(method)s %(path)s %(status)d in %(seconds).3f s", extra, extra=extra)


class _RequestInfo:
    """The fields of one request for the logs."""

    def __init__(self, scope: Scope, request_id: str) -> None:
        self.status = 0
        self._scope = scope
        self._request_id = request_id
        self._job_id: str | None = None
        self._start = time.perf_counter()

    def note(self, message: Message) -> None:
        """Record the status, and add the id to the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            self._job_id = headers.get("location", "").removeprefix("/v1/jobs/") or None

    def principal_fields(self) -> dict[str, str | None]:
        """Return the user, token and address of the client, and the code of the error."""
        principal: Principal | None = self._scope.get(PRINCIPAL)
        client = self._scope.get("client")
        return {
            "who": principal.user if principal else self._scope.get(USER),
            "token_id": principal.token_id if principal else None,
            "address": client[0] if client else None,
            "code": self._scope.get(problem_details.ERROR_CODE),
        }

    def extra(self) -> dict[str, Any]:
        """Return the fields of a log record."""
        route = getattr(self._scope.get("route"), "path_format", "none")
        method = self._scope["method"]
        return {
            "request_id": self._request_id,
            "job_id": self._scope.get("path_params", {}).get("job_id") or self._job_id,
            "method": method if method in METHODS else "other",
            "path": printable(self._scope["path"]),
            "route": route,
            "status": self.status or 500,
            "seconds": time.perf_counter() - self._start,
        }


def _audit(request: _RequestInfo, extra: dict[str, Any]) -> None:
    """Audit rejected requests, changes, and downloads of results."""
    action = f"{extra['method']} {extra['path']}"
    is_rejected = extra["status"] >= 400
    if not is_rejected and extra["method"] in READ_METHODS and not extra["route"].endswith(RESULT_ROUTES):
        return
    principal = request.principal_fields()
    audit(
        principal["who"],
        action,
        "refused" if is_rejected else "accepted",
        status=extra["status"],
        code=principal["code"],
        job_id=extra["job_id"],
        token_id=principal["token_id"],
        address=principal["address"],
        request_id=extra["request_id"],
    )


def _service_error(error: Exception) -> ServiceError | None:
    """Return the service's own error that aborted a response; None for a defect."""
    cause = error.__cause__ if isinstance(error, RuntimeError) else error
    return cause if isinstance(cause, ServiceError) else None


def _request_id(scope: Scope) -> str:
    header: bytes = dict(scope["headers"]).get(HEADER, b"")
    return header.decode() if ACCEPTED.fullmatch(header) else uuid.uuid4().hex


STOPPING: Final = problem_details.problem(
    TransientError(
        "the service is shutting down, and could not finish this request",
        code="service_stopping",
        hint="Send it again in a moment, a POST with the same Idempotency-Key.",
    )
)
FAILED: Final = problem_details.problem(
    ServiceError(
        "the service failed; its log has the details", hint="Try again, and report it if it happens again."
    )
)
