"""What to do about a problem that the service reports: from its code and fields to a step.

The service words its ``hint`` for those who write HTTP. Where a problem has a step here, the step is shown in
its place; of any other problem, one of a newer service included, the hint is shown as it came.
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
"""Codes with one cause. A problem that has a place in the SQL is about the SQL: these do not apply to it."""

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
"""Codes with several causes, of which the hint tells one: these hints are for those who write HTTP."""

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
"""Codes that have no step on purpose: their hint names the cause in the words of the field."""

BY_STATUS: Final[Mapping[int, Action]] = MappingProxyType({401: Action.GIVE_TOKEN, 410: Action.RERUN})
"""Answers without a hint: those of a proxy, or of an older service."""

JOB: Final = re.compile(r"/v1/jobs/([0-9a-f-]{36})\b")


def hint_of(
    problem: Mapping[str, Any], *, path: str = "", status: int | None = None, retry_after: float | None = None
) -> str | NextStep | None:
    """Choose what to show as the hint of a problem.

    Parameters
    ----------
    problem : mapping
        The problem details, or the ``error`` of a job or of a check.
    path : str, optional
        Of the request, which may name the job.
    status : int, optional
        The HTTP status.
    retry_after : float, optional
        For how many seconds to wait, where the service says so.

    Returns
    -------
    str or NextStep, optional
        A step, or else the service's hint.

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
    if found := JOB.search(str(problem.get("rerun") or path)):
        arguments["job_id"] = found[1]
    if retry_after is not None:
        arguments["seconds"] = f"{retry_after:g}"
    return NextStep(action, arguments)
