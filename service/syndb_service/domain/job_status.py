"""The status of a job, the reasons that explain it, and the table of allowed transitions.

pending ──claim──▶ running ──▶ completed
│  ▲               │  │
│  └────requeue────┘  ├───▶ failed
├─────▶ cancelled ◀───┘
└─────▶ failed
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """State of a job. The status drives the state machine; the reason only explains it."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether no transition leaves this status.

        Examples
        --------
        >>> Status.COMPLETED.final, Status.RUNNING.final
        (True, False)
        """
        return not TRANSITIONS[self]


class Reason(StrEnum):
    """Explanation of the status of a job."""

    QUEUED = "queued"
    WORKER_LOST = "worker_lost"
    CANCELLED_BY_USER = "cancelled_by_user"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    RESULT_TOO_LARGE = "result_too_large"
    GRAPH_TOO_LARGE = "graph_too_large"
    INVALID_QUERY = "invalid_query"
    UNKNOWN_DATASET = "unknown_dataset"
    ENGINE_FAILURE = "engine_failure"
    STORE_UNAVAILABLE = "store_unavailable"
    EXPIRED = "expired"
    RESULT_DAMAGED = "result_damaged"
    RESULT_LOST = "result_lost"


class Kind(StrEnum):
    """Kind of a job: a query or a graph analysis."""

    QUERY = "query"
    GRAPH = "graph"


TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.PENDING}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def is_allowed(source: Status, target: Status) -> bool:
    """Return whether the transition from ``source`` to ``target`` is allowed.

    Examples
    --------
    >>> is_allowed(Status.PENDING, Status.RUNNING), is_allowed(Status.CANCELLED, Status.RUNNING)
    (True, False)
    """
    return target in TRANSITIONS[source]
