"""Typed exceptions for the service's error responses (RFC 9457 problem details)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from syndb_lab.errors import (
    AcademicVerificationRequired,
    AccessDenied,
    AuthError,
    JobNotFound,
    QueryError,
    RequestRefused,
    ResultDamaged,
    ResultExpired,
    ResultNotReady,
    ServiceUnavailable,
    SyndbError,
    TooManyRequests,
    UnknownDataset,
)
from syndb_lab.next_steps.problem_steps import hint_of

BY_STATUS: dict[int, type[SyndbError]] = {
    401: AuthError,
    403: AccessDenied,
    410: ResultExpired,
    429: TooManyRequests,
    502: ServiceUnavailable,
    503: ServiceUnavailable,
    504: ServiceUnavailable,
}
BY_CODE: dict[str, type[SyndbError]] = {
    "academic_verification_required": AcademicVerificationRequired,
    "unknown_dataset": UnknownDataset,
    "job_not_found": JobNotFound,
    "result_damaged": ResultDamaged,
}


def error_from_response(response: httpx.Response, *, query: str | None = None) -> SyndbError:
    """Build the exception for a response with status 400 or above.

    Parameters
    ----------
    response : httpx.Response
        The response; its body has been read.
    query : str, optional
        The SQL that was sent, so that the message can show the line with the error.

    Returns
    -------
    SyndbError
        An instance of the most specific class; it is not raised.

    Examples
    --------
    >>> error_from_response(httpx.Response(401, json={"detail": "no such token", "code": "unauthenticated"}))
    AuthError('no such token')
    """
    problem = read_problem(response)
    status = response.status_code
    kind = exception_class(status, problem.get("code"), response)
    message = problem.get("detail") or problem.get("title") or f"the service answered {status}"
    details: dict[str, Any] = {
        "hint": hint_of(problem, path=_path(response), status=status, retry_after=retry_after(response)),
        "code": problem.get("code"),
        "status": status,
    }
    if issubclass(kind, QueryError):
        return kind(message, query=query, line=problem.get("line"), column=problem.get("column"), **details)
    error = kind(message, **details)
    if isinstance(error, ResultNotReady | TooManyRequests):
        error.retry_after = retry_after(response)
    return error


def query_error(error: Mapping[str, Any], query: str) -> QueryError:
    """Build the exception for SQL that a dry run found to be invalid."""
    return QueryError(
        error.get("message") or "this SQL would not run",
        hint=hint_of(error),
        code=error.get("code"),
        query=query,
        line=error.get("line"),
        column=error.get("column"),
    )


def exception_class(status: int, code: str | None, response: httpx.Response) -> type[SyndbError]:
    """Choose the class by the code where that is more specific than the status."""
    path = _path(response)
    if known := BY_CODE.get(code or ""):
        return known
    if code == "invalid_query" and status < 500:
        return QueryError
    if status == 404 and path.startswith("/v1/jobs/") and path != "/v1/jobs/graph":
        return JobNotFound
    if status == 409 and path.endswith("/result"):
        return ResultNotReady
    return BY_STATUS.get(status, RequestRefused if status < 500 else SyndbError)


def read_problem(response: httpx.Response) -> dict[str, Any]:
    """Read the problem details; return an empty dict for a body without them, such as a proxy's page."""
    text = ("title", "code", "hint")
    try:
        problem = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    if not isinstance(problem, dict):
        return {}
    if not isinstance(problem.get("detail"), str):
        problem["detail"] = str(problem["detail"]) if problem.get("detail") else None
    return {name: value for name, value in problem.items() if name not in text or isinstance(value, str)}


def retry_after(response: httpx.Response) -> float | None:
    """Read the Retry-After header in seconds; return None for a date or any other value."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _path(response: httpx.Response) -> str:
    return response.request.url.path if response._request is not None else ""
