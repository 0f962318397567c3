"""The states that drive a job, the reasons that explain it, and the one table of allowed moves.

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
    """Where a job is. Few statuses drive; many reasons only explain."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether the job stays as it is for ever.

        Examples
        --------
        >>> Status.COMPLETED.final, Status.RUNNING.final
        (True, False)
        """
        return not MOVES[self]


class Reason(StrEnum):
    """Why a job is where it is."""

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
    """What a job runs."""

    QUERY = "query"
    GRAPH = "graph"


MOVES: Final[dict[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    Status.RUNNING: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.PENDING}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}


def is_allowed(source: Status, target: Status) -> bool:
    """Whether a job may move from ``source`` to ``target``.

    Examples
    --------
    >>> is_allowed(Status.PENDING, Status.RUNNING), is_allowed(Status.CANCELLED, Status.RUNNING)
    (True, False)
    """
    return target in MOVES[source]
