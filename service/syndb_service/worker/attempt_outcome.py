"""The outcome of an attempt: a union of five classes; the finalizer handles each of them."""

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
    """Reason why a worker ended its own attempt."""

    CANCELLED = "cancelled"
    """The owner cancelled the job."""
    LEASE_LOST = "lost"
    """Another attempt owns the job."""
    SHUTDOWN = "stopped"
    """The worker shuts down."""


class AttemptAborted(Exception):
    """The attempt must end, for the given reason."""

    def __init__(self, reason: AbortReason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The child sent its complete result.

    ``parts`` are the files of the result in order; empty if it is a single file.
    """

    done: TaskDone
    parts: tuple[FilePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed, for a reason that a retry would not change."""

    reason: Reason
    failure: Failure

    @property
    def may_lack_file(self) -> bool:
        """Whether a referenced result may have been deleted before the child opened it."""
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
    """A dependency does not respond; the attempt does not count against the job."""

    error: TransientError


Outcome = Succeeded | Failed | Crashed | Aborted | Unavailable


def outcome_of_error(error: Exception) -> Failed | Aborted | Unavailable:
    """Convert an error that ended an attempt to its outcome; any other error becomes ``UNFORESEEN``.

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
