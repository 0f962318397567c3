"""The error responses of routes, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

Responses = dict[int | str, dict[str, Any]]

PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
RETRY_AFTER: Final = {
    "description": "Seconds after which to try again.",
    "schema": {"type": "integer", "minimum": 1},
}
DESCRIPTIONS: Final = {
    400: "The SQL can't be run, or the body can't be read",
    401: "No token, or one that is unknown, expired or revoked",
    403: "Academic verification is needed, or a dataset is restricted to others",
    404: "It does not exist, or belongs to another user",
    409: "The job's status does not allow it (`Retry-After` if it will), or the key was used before",
    410: "The result was destroyed, or is lost; `rerun` is the path that runs the job again",
    413: "The body or the query is too long",
    416: "The range is outside the file",
    422: "A field or parameter is invalid",
    429: "Too many requests, or too many jobs that are not finished",
    503: "A dependency of the service is unavailable; the problem names it",
}
HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "required": True,
            "schema": {"type": "string"},
        }
    },
    409: {"Retry-After": RETRY_AFTER},
    410: {
        "Link": {"description": 'The rerun: `rel="rerun"`.', "required": True, "schema": {"type": "string"}}
    },
    416: {
        "Content-Range": {
            "description": "The size: `bytes */SIZE`.",
            "required": True,
            "schema": {"type": "string", "pattern": r"^bytes \*/\d+$"},
        }
    },
    429: {"Retry-After": {**RETRY_AFTER, "required": True}},
    503: {"Retry-After": {**RETRY_AFTER, "required": True}},
}


def error_responses(*statuses: int) -> Responses:
    """Describe the error responses of a route; those of every authenticated route are added."""
    return {status: _error_response(status) for status in sorted({401, 403, 429, 503, *statuses})}


def public_error_responses(*statuses: int) -> Responses:
    """Describe the error responses of a route that needs no token."""
    return {status: _error_response(status) for status in sorted(statuses)}


def _error_response(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": DESCRIPTIONS[status], "content": PROBLEM}
    if status in HEADERS:
        response["headers"] = HEADERS[status]
    return response


def header(description: str, **schema: Any) -> dict[str, Any]:
    """Describe a header that a response always has."""
    return {"description": description, "required": True, "schema": {"type": "string", **schema}}
