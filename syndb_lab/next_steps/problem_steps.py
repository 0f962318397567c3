"""The mapping from a problem that the service reports, by its code and fields, to a next step.

The service's ``hint`` is written for users of its HTTP API. A problem that has a step here shows the step
instead. Any other problem, also one of a newer service, shows the hint unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from syndb_lab.next_steps.next_step import Action, NextStep

BY_CODE: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "idempotency_conflict": Action.RETRY,
        "invalid_cursor": Action.LIST_JOBS,
        "invalid_expires_at": Action.CHOOSE_EXPIRY,
        "job_cancelled": Action.RERUN,
        "job_not_found": Action.LIST_JOBS,
        "no_preview": Action.FETCH_RESULT,
        "part_not_found": Action.MAKE_NEURON_TABLE,
        "preview_not_ready": Action.WAIT,
        "range_not_satisfiable": Action.DOWNLOAD_AGAIN,
        "rate_limited": Action.RETRY,
        "result_damaged": Action.RERUN,
        "result_expired": Action.RERUN,
        "result_lost": Action.RERUN,
        "result_not_ready": Action.WAIT,
        "service_stopping": Action.RETRY,
        "too_many_requests": Action.RETRY,
    }
)
"""Steps by code. They do not apply to a problem with a position in the SQL, which is about the SQL itself."""

BY_HINT: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "Ask those who keep it; GET /v1/datasets lists what you may query.": Action.ASK_FOR_ACCESS,
        "GET /v1/auth says where it comes from; syndb_lab.login() does all of this.": Action.GIVE_TOKEN,
        "GET /v1/datasets lists the datasets with their ids.": Action.LIST_DATASETS,
        "Log in with an institution that names your affiliation (syndb_lab.login()), or ask your "
        "operator for an academic token (`syndb-lab token create --user NAME --academic`).": (
            Action.VERIFY_AFFILIATION
        ),
        "Send `Authorization: Bearer TOKEN`; `syndb-lab token create` makes one.": Action.GIVE_TOKEN,
        "Send `Authorization: Bearer TOKEN`; syndb_lab.login() or `syndb-lab token create` makes one.": (
            Action.GIVE_TOKEN
        ),
        "Send the values under `parameters`, by name.": Action.GIVE_PARAMETERS,
        "The routes and their fields are described in /openapi.json.": Action.SHOW_HELP,
        "The routes are listed in /openapi.json.": Action.UPGRADE,
    }
)
"""Steps by hint, for codes with several causes: these hints are written for users of the HTTP API."""

OWN_HINT: Final = frozenset(
    {
        "academic_verification_required",
        "already_running",
        "bad_request",
        "bad_setting",
        "broker_unavailable",
        "cache_too_small",
        "clock_off",
        "conflict",
        "dataset_damaged",
        "dataset_exists",
        "dataset_forbidden",
        "empty_graph",
        "engine_unavailable",
        "graph_too_large",
        "internal_error",
        "invalid_dataset",
        "invalid_dataset_id",
        "invalid_query",
        "invalid_request",
        "issuer_unavailable",
        "job_failed",
        "kernels_missing",
        "memory_limit",
        "method_not_allowed",
        "newer_schema",
        "no_worker",
        "not_found",
        "not_ready",
        "numbers_too_large",
        "port_taken",
        "store_unavailable",
        "temp_full",
        "temp_unavailable",
        "threads_failing",
        "too_large",
        "too_many_open_jobs",
        "unauthenticated",
        "unavailable",
        "unknown_dataset",
        "unknown_neuron",
        "unknown_value",
    }
)
"""Codes without a step, on purpose: their hint names the cause and suits every audience."""

BY_STATUS: Final[Mapping[int, Action]] = MappingProxyType({401: Action.GIVE_TOKEN, 410: Action.RERUN})
"""Steps by status, for responses without a hint, such as those of a proxy or an older service."""

JOB: Final = re.compile(r"/v1/jobs/([0-9a-f-]{36})\b")


def hint_of(
    problem: Mapping[str, Any], *, path: str = "", status: int | None = None, retry_after: float | None = None
) -> str | NextStep | None:
    """Choose the hint of a problem: a step, or else the service's own hint.

    Parameters
    ----------
    problem : mapping
        The problem details, or the ``error`` of a job or of a check.
    path : str, optional
        Path of the request, which may contain a job id.
    status : int, optional
        The HTTP status.
    retry_after : float, optional
        Seconds to wait, from the header ``Retry-After``.

    Returns
    -------
    str or NextStep, optional
        The hint; None without one.

    Examples
    --------
    >>> hint_of({"code": "job_cancelled", "hint": "POST /v1/jobs/6e1f/rerun runs it."}).action.value
    'rerun'
    >>> hint_of({"code": "invalid_query", "hint": "Did you mean name?"})
    'Did you mean name?'
    """
    code, hint = problem.get("code"), problem.get("hint")
    action = BY_HINT.get(hint or "")
    if action is None and problem.get("line") is None:
        action = BY_CODE.get(code or "")
    if action is None and hint is None:
        action = BY_STATUS.get(status or 0)
    if action is None:
        return hint
    arguments: dict[str, Any] = {}
    if match := JOB.search(str(problem.get("rerun") or path)):
        arguments["job_id"] = match[1]
    if retry_after is not None:
        arguments["seconds"] = f"{retry_after:g}"
    return NextStep(action, arguments)
