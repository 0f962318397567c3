"""How an attempt ended: one union, which whoever writes it down has to handle whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from syndb_service.domain.child_task import TaskDone
from syndb_service.domain.job_status import Reason
from syndb_service.domain.jobs import Failure
from syndb_service.domain.result_parts import FilePart
from syndb_service.errors import DatasetForbidden, FatalError, InvalidQuery, NotFound, TransientError

UNFORESEEN: Final = Failure(
    "engine_failure",
    "the service failed while it ran the job",
    "This is a defect of the service, and it is in its log. A rerun may help.",
    retryable=True,
)


class AbortReason(StrEnum):
    """Why a worker ended its own attempt."""

    CANCELLED = "cancelled"
    """The owner cancelled the job."""
    LEASE_LOST = "lost"
    """Another attempt has the job."""
    SHUTDOWN = "stopped"
    """The worker is to end."""


class AttemptAborted(Exception):
    """The attempt is to end."""

    def __init__(self, reason: AbortReason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The child sent its whole result.

    ``parts`` are what the result consists of, the first of them first; empty where it is one file.
    """

    done: TaskDone
    parts: tuple[FilePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The job can't be done."""

    reason: Reason
    failure: Failure

    @property
    def may_lack_file(self) -> bool:
        """Whether a result that it reads may have been destroyed before it was opened."""
        return self.reason is Reason.ENGINE_FAILURE or "No such file" in self.failure.message


@dataclass(frozen=True, slots=True)
class Crashed:
    """The child exited without an outcome; a negative status is the number of a signal."""

    exit_status: int


@dataclass(frozen=True, slots=True)
class Aborted:
    """The worker ended the attempt."""

    reason: AbortReason


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A dependency does not respond: the attempt does not count."""

    error: TransientError


Outcome = Succeeded | Failed | Crashed | Aborted | Unavailable


def outcome_of_error(error: Exception) -> Failed | Aborted | Unavailable:
    """Return the outcome of an attempt that an error ended; a defect of the service is ``UNFORESEEN``.

    Examples
    --------
    >>> outcome_of_error(InvalidQuery("no", line=2)).reason
    <Reason.INVALID_QUERY: 'invalid_query'>
    >>> outcome_of_error(AttemptAborted(AbortReason.SHUTDOWN)).reason
    <AbortReason.SHUTDOWN: 'stopped'>
    """
    match error:
        case AttemptAborted():
            return Aborted(error.reason)
        case InvalidQuery():
            return Failed(Reason.INVALID_QUERY, Failure.from_error(error))
        case NotFound() | DatasetForbidden():
            return Failed(Reason.UNKNOWN_DATASET, Failure.from_error(error))
        case TransientError():
            return Unavailable(error)
        case FatalError():
            return Failed(Reason.ENGINE_FAILURE, Failure.from_error(error))
        case OSError():
            return Unavailable(TransientError(f"this worker can't go on: {error.strerror}"))
        case _:
            return Failed(Reason.ENGINE_FAILURE, UNFORESEEN)
