"""The errors of the service.

ServiceError                 code · http · fault · hint
├── UsageError               the user can fix it: 4xx, never retried
│   ├── InvalidQuery         SQL that can't run, with line and column
│   ├── InvalidRequest       an invalid body, option or identifier
│   ├── Unauthenticated      401
│   ├── AcademicRequired     403
│   ├── DatasetForbidden     403: a dataset restricted to other readers
│   ├── NotFound             404: no such job, or another user's
│   ├── Conflict             409: result not ready, or another request with the same key
│   ├── Expired              410: the result was destroyed, the record is kept
│   │   ├── Lost             410: its file is missing before its expiry
│   │   └── Damaged          410: the content of its file has changed
│   ├── TooLarge             413
│   ├── GraphTooLarge        413: more connections than allowed, or than memory holds
│   ├── RangeNotSatisfiable  416
│   ├── TooManyRequests      429
│   ├── DatasetInvalid       a dataset folder that can't be added, with every issue
│   └── BadSetting           an invalid setting
├── TransientError           retried by the service: a dependency is unavailable
│   └── NotStored            a file of a row that is missing from the store
└── FatalError               a defect of the service: logged in full, reported in one sentence
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

Fault = Literal["usage", "transient", "fatal"]


class ServiceError(Exception):
    """An error with a code for programs and a message for people.

    Parameters
    ----------
    message : str
        What is wrong, in a sentence.
    hint : str, optional
        What to do next, in a sentence.
    code : str, optional
        Replaces the code of the class, if one class has several.
    """

    code: ClassVar[str] = "internal_error"
    http: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    fault: ClassVar[Fault] = "fatal"

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.error_code = code or self.code

    @property
    def public_message(self) -> str:
        """The message for users; for an outage only the dependency and its fault.

        The driver's message, after the colon, may contain addresses. It is written to the log.
        """
        return self.message.partition(": ")[0] if self.fault == "transient" else self.message


class UsageError(ServiceError):
    """An error that the user can fix."""

    code = "bad_request"
    http = 400
    title = "Bad request"
    fault = "usage"


class InvalidQuery(UsageError):
    """SQL that can't run, with the position of its error (``line`` and ``column`` count from 1)."""

    code = "invalid_query"
    title = "The SQL can't be run"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        line: int | None = None,
        column: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.line = line
        self.column = column


class InvalidRequest(UsageError):
    """An invalid request body, option or identifier."""

    code = "invalid_request"
    http = 422
    title = "The request is invalid"


class Unauthenticated(UsageError):
    """No token, or one that is unknown, expired or revoked."""

    code = "unauthenticated"
    http = 401
    title = "A valid token is needed"


class AcademicRequired(UsageError):
    """A valid token of a user whose academic status is not verified."""

    code = "academic_verification_required"
    http = 403
    title = "Academic verification is needed"


class DatasetForbidden(UsageError):
    """A dataset that is restricted to other readers."""

    code = "dataset_forbidden"
    http = 403
    title = "The dataset is restricted"


class NotFound(UsageError):
    """It does not exist, or the user may not know of it."""

    code = "not_found"
    http = 404
    title = "Not found"


class Conflict(UsageError):
    """The job's status does not allow it; ``retry_after`` (seconds) is set if that will change."""

    code = "conflict"
    http = 409
    title = "The state does not allow it"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after = retry_after


class RangeNotSatisfiable(UsageError):
    """A range outside a file; ``size`` is the size of the file in bytes."""

    code = "range_not_satisfiable"
    http = 416
    title = "The range is outside the file"

    def __init__(self, message: str, *, size: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.size = size


class TooManyRequests(UsageError):
    """A user exceeded a limit; ``retry_after`` is in seconds."""

    code = "too_many_requests"
    http = 429
    title = "Too many requests"

    def __init__(
        self, message: str, *, retry_after: int, hint: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after = retry_after


class Expired(UsageError):
    """The result was destroyed; the record is kept and can be rerun."""

    code = "result_expired"
    http = 410
    title = "The result has expired"

    def __init__(self, message: str, *, rerun: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.rerun = rerun


class Lost(Expired):
    """The file is missing from the store, but was not destroyed; the record is kept and can be rerun."""

    code = "result_lost"
    title = "The result is lost"


class Damaged(Expired):
    """The content of the file in the store has changed; the record is kept and can be rerun."""

    code = "result_damaged"
    title = "The result is damaged"


class TooLarge(UsageError):
    """A request body over the limit."""

    code = "too_large"
    http = 413
    title = "Too large"


class GraphTooLarge(UsageError):
    """More connections than ``max_edges`` or the memory allows; checked before the graph is built."""

    code = "graph_too_large"
    http = 413
    title = "The graph has too many connections"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong in a dataset folder.

    ``row`` counts lines of the file as a text editor does: the header is line 1.
    """

    file: str
    message: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        """Format the issue as ``file, row, column: message``."""
        location = [self.file]
        if self.row is not None:
            location.append(f"row {self.row}")
        if self.column is not None:
            location.append(f"column {self.column}")
        return f"{', '.join(location)}: {self.message}"


class DatasetInvalid(UsageError):
    """A dataset folder that can't be added; ``issues`` say why, by file, row and column."""

    code = "invalid_dataset"
    http = 422
    title = "The dataset can't be added"

    def __init__(self, issues: Sequence[Issue], *, hint: str | None = None) -> None:
        count = len(issues)
        head = f"{count} thing{'s' if count != 1 else ''} to fix; nothing was added"
        super().__init__("\n".join([head, *(f"  {issue}" for issue in issues)]), hint=hint)
        self.issues = tuple(issues)


class BadSetting(UsageError):
    """A setting, a folder or a port that the service can't start with."""

    code = "bad_setting"
    title = "The service can't start"


class TransientError(ServiceError):
    """A dependency is unavailable; the same request may succeed later."""

    code = "unavailable"
    http = 503
    title = "Temporarily unavailable"
    fault = "transient"


class NotStored(TransientError):
    """The file of a row is missing from the store, although the store responds."""


class FatalError(ServiceError):
    """A defect of the service."""


CLOCK_OFF: Final = "clock_off"
"""The error code for two clocks that disagree."""


def format_span(seconds: float) -> str:
    """Format a time span in its largest unit.

    Examples
    --------
    >>> format_span(172800), format_span(400), format_span(5400)
    ('2.0 days', '7 minutes', '1.5 hours')
    """
    if seconds >= 86400:
        return f"{seconds / 86400:.1f} days"
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"
