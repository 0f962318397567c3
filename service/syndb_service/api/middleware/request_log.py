"""Each request's trail: its id, one log record, one count, and an answer even where the service fails."""

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
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
GIVING: Final = ("/result", "/preview")
QUIET: Final = frozenset({"/health", "/health/ready", "/metrics"})

Count = Callable[[str, str, int, float], None]


class RequestLogMiddleware:
    """Names every request and writes down how it went.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    count : callable
        Told of each request: method, route template, status and seconds.
    """

    def __init__(self, app: ASGIApp, count: Count) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its answer carries the id that it was sent with, or a new one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        token = REQUEST_ID.set(request_id)
        trail = _RequestInfo(scope, request_id)

        async def send_and_record(message: Message) -> None:
            trail.note(message)
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        except asyncio.CancelledError:  # this process ends, and waits no longer for its requests
            if trail.status:
                raise
            await STOPPING(scope, receive, send_and_record)
        except Exception as error:
            if trail.status and (cause := _foreseen(error)) is not None:
                message = "%s %s is broken off: %s"
                path = printable(scope["path"])
                log.error(message, scope["method"], path, cause, extra=trail.extra())
                return  # the server closes the connection of an answer that is not complete
            log.exception("%s %s failed", scope["method"], printable(scope["path"]), extra=trail.extra())
            if trail.status:
                raise
            await FAILED(scope, receive, send_and_record)
        finally:
            REQUEST_ID.reset(token)
            self._end(trail)

    def _end(self, trail: _RequestInfo) -> None:
        extra = trail.extra()
        self._count(extra["method"], extra["route"], extra["status"], extra["seconds"])
        level = logging.DEBUG if extra["route"] in QUIET else logging.INFO
        _audit(trail, extra)
        log.log(level, "%(method)s %(path)s %(status)d in %(seconds).3f s", extra, extra=extra)


class _RequestInfo:
    """What is known of one request."""

    def __init__(self, scope: Scope, request_id: str) -> None:
        self.status = 0
        self._scope = scope
        self._request_id = request_id
        self._job_id: str | None = None
        self._start = time.perf_counter()

    def note(self, message: Message) -> None:
        """Note the status, and send the id along."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            self._job_id = headers.get("location", "").removeprefix("/v1/jobs/") or None

    def set_principal(self) -> dict[str, str | None]:
        """Return who asked, from where, and as what it was refused."""
        principal: Principal | None = self._scope.get(PRINCIPAL)
        client = self._scope.get("client")
        return {
            "who": principal.user if principal else self._scope.get(USER),
            "token_id": principal.token_id if principal else None,
            "address": client[0] if client else None,
            "code": self._scope.get(problem_details.REFUSAL),
        }

    def extra(self) -> dict[str, Any]:
        """Return it as the fields of a log record."""
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


def _audit(trail: _RequestInfo, extra: dict[str, Any]) -> None:
    """Write down what was refused, and what made, changed or gave away something."""
    told = f"{extra['method']} {extra['path']}"
    refused = extra["status"] >= 400
    if not refused and extra["method"] in READING and not extra["route"].endswith(GIVING):
        return
    asked = trail.set_principal()
    audit(
        asked["who"],
        told,
        "refused" if refused else "accepted",
        status=extra["status"],
        code=asked["code"],
        job_id=extra["job_id"],
        token_id=asked["token_id"],
        address=asked["address"],
        request_id=extra["request_id"],
    )


def _foreseen(error: Exception) -> ServiceError | None:
    """Return what went wrong in a part of the service while an answer was sent; None for a defect."""
    cause = error.__cause__ if isinstance(error, RuntimeError) else error
    return cause if isinstance(cause, ServiceError) else None


def _request_id(scope: Scope) -> str:
    given: bytes = dict(scope["headers"]).get(HEADER, b"")
    return given.decode() if ACCEPTED.fullmatch(given) else uuid.uuid4().hex


STOPPING: Final = problem_details.problem(
    TransientError(
        "the service stops, and could not finish this request",
        code="service_stopping",
        hint="Send it again in a moment, a POST with the same Idempotency-Key.",
    )
)
FAILED: Final = problem_details.problem(
    ServiceError("the service failed; its log says how", hint="Try again, and report it if it stays.")
)
