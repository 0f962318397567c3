"""From the service's refusals (RFC 9457 problem details) to typed exceptions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

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
NEXT_STEP: dict[type[SyndbError], str] = {
    AuthError: "Give a valid token: connect(url, token), or set SYNDB_TOKEN.",
    ResultExpired: "Run it again with job.rerun().",
    ResultDamaged: "Run it again with job.rerun().",
}
IN_HTTP: Final = re.compile(
    r"\b(GET|HEAD|POST|PATCH|PUT|DELETE) /|/openapi\.json|Authorization:|under `parameters`"
)
IN_PYTHON: Final = {
    "job_not_found": "lab.jobs() lists yours.",
    "invalid_dataset_id": "lab.datasets() lists them with their ids.",
    "unknown_dataset": "lab.datasets() lists them with their ids.",
    "invalid_request": "help(lab.sql), help(lab.graph) and help(lab.jobs) say what may be given.",
    "invalid_query": "Give each its value by name: lab.sql(query, parameters={…}).",
    "result_not_ready": "Wait for it: job.wait()",
    "job_cancelled": "Run it again: job.rerun()",
    "not_found": "The service may be older or newer than this package.",
}


def refusal(response: httpx.Response, *, query: str | None = None) -> SyndbError:
    """Make the exception for an answer of 400 and above.

    Parameters
    ----------
    response : httpx.Response
        The answer, its body read.
    query : str, optional
        The SQL that was sent, so that the message can show the line it is about.

    Returns
    -------
    SyndbError
        The most fitting class, not raised.

    Examples
    --------
    >>> refusal(httpx.Response(401, json={"detail": "no such token", "code": "unauthenticated"}))
    AuthError('no such token')
    """
    problem = read_problem(response)
    status = response.status_code
    kind = exception_class(status, problem.get("code"), response)
    message = problem.get("detail") or problem.get("title") or f"the service answered {status}"
    details: dict[str, Any] = {
        "hint": in_python(problem.get("hint"), problem.get("code")) or NEXT_STEP.get(kind),
        "code": problem.get("code"),
        "status": status,
    }
    if issubclass(kind, QueryError):
        return kind(message, query=query, line=problem.get("line"), column=problem.get("column"), **details)
    error = kind(message, **details)
    if isinstance(error, ResultNotReady | TooManyRequests):
        error.retry_after = retry_after(response)
    return error


def invalid(error: Mapping[str, Any], query: str) -> QueryError:
    """Make the exception for SQL that a dry run found to be invalid."""
    return QueryError(
        error.get("message") or "this SQL would not run",
        hint=in_python(error.get("hint"), error.get("code")),
        code=error.get("code"),
        query=query,
        line=error.get("line"),
        column=error.get("column"),
    )


def exception_class(status: int, code: str | None, response: httpx.Response) -> type[SyndbError]:
    """Choose by code where it says more than the status does."""
    path = response.request.url.path if response._request is not None else ""
    if found := BY_CODE.get(code or ""):
        return found
    if code == "invalid_query" and status < 500:
        return QueryError
    if status == 404 and path.startswith("/v1/jobs/") and path != "/v1/jobs/graph":
        return JobNotFound
    if status == 409 and path.endswith("/result"):
        return ResultNotReady
    return BY_STATUS.get(status, RequestRefused if status < 500 else SyndbError)


def in_python(hint: str | None, code: str | None) -> str | None:
    """Say a hint in the words of this package where the service's own are for those who write HTTP.

    Examples
    --------
    >>> in_python("GET /v1/jobs lists your jobs.", "job_not_found")
    'lab.jobs() lists yours.'
    >>> in_python("Did you mean name?", "invalid_query")
    'Did you mean name?'
    """
    if hint is None or not IN_HTTP.search(hint):
        return hint
    return IN_PYTHON.get(code or "")


def read_problem(response: httpx.Response) -> dict[str, Any]:
    """Read the problem details; an answer that holds none (a proxy's page) gives an empty one."""
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
    """Read the Retry-After header in seconds; a date, or anything else, is none."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
