"""Everything that may go wrong, once.

ServiceError                 code · http · fault · hint
├── UsageError               the user's to mend: 4xx, never retried
│   ├── InvalidQuery         SQL refused, with line and column
│   ├── InvalidRequest       body, option or identifier that makes no sense
│   ├── Unauthenticated      401
│   ├── AcademicRequired     403
│   ├── DatasetForbidden     403: a dataset restricted to others
│   ├── NotFound             404: no such job, or someone else's
│   ├── Conflict             409: result not there (yet), idempotency
│   ├── Expired              410: the result was destroyed, the record is kept
│   │   ├── Lost             410: its file is gone before its time
│   │   └── Damaged          410: its file is not what was written
│   ├── TooLarge             413
│   ├── GraphTooLarge        413: more connections than allowed, or than memory holds
│   ├── RangeNotSatisfiable  416
│   ├── TooManyRequests      429
│   ├── DatasetInvalid       a dataset folder that can't be added, with every finding
│   └── BadSetting           a setting with a value that makes no sense
├── TransientError           retried by us: engine, database, store or broker away for a while
│   └── NotStored            a row speaks of a file that the store, which answers, does not have
└── FatalError               ours: logged whole, told plainly
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

Fault = Literal["usage", "transient", "fatal"]


class ServiceError(Exception):
    """An error with a code that programs read and a message that people read.

    Parameters
    ----------
    message : str
        What was wrong, in a sentence.
    hint : str, optional
        What to do next, in a sentence.
    code : str, optional
        Overrides the class's code where one class serves several.
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
        """What everybody may read: of a part that is away, no more than its name and the fault.

        What its driver said, behind the colon, may hold addresses, and stands in the log.
        """
        return self.message.partition(": ")[0] if self.fault == "transient" else self.message


class UsageError(ServiceError):
    """Something the user can mend."""

    code = "bad_request"
    http = 400
    title = "Bad request"
    fault = "usage"


class InvalidQuery(UsageError):
    """SQL that is not run, and where it is wrong (``line`` and ``column`` count from 1)."""

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
    """A body, an option or an identifier that makes no sense."""

    code = "invalid_request"
    http = 422
    title = "The request makes no sense"


class Unauthenticated(UsageError):
    """No token, or one that is unknown, expired or revoked."""

    code = "unauthenticated"
    http = 401
    title = "A valid token is needed"


class AcademicRequired(UsageError):
    """A valid token of somebody whose academic standing was not verified."""

    code = "academic_verification_required"
    http = 403
    title = "Academic verification is needed"


class DatasetForbidden(UsageError):
    """A dataset that is restricted to others."""

    code = "dataset_forbidden"
    http = 403
    title = "The dataset is restricted"


class NotFound(UsageError):
    """No such thing, or none that the caller may know of."""

    code = "not_found"
    http = 404
    title = "Not found"


class Conflict(UsageError):
    """The job's status does not allow it; ``retry_after`` (seconds) where that can still change."""

    code = "conflict"
    http = 409
    title = "It is not in a state for that"

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
    """A part of a file that lies outside it; ``size`` is the file's, in bytes."""

    code = "range_not_satisfiable"
    http = 416
    title = "The range lies outside the file"

    def __init__(self, message: str, *, size: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.size = size


class TooManyRequests(UsageError):
    """More than one user may ask for; ``retry_after`` in seconds."""

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
    """The file is not in the store, though nobody destroyed it; the record is kept and can be rerun."""

    code = "result_lost"
    title = "The result is lost"


class Damaged(Expired):
    """The file in the store is not the one that was written; the record is kept and can be rerun."""

    code = "result_damaged"
    title = "The result is damaged"


class TooLarge(UsageError):
    """A request body over the limit."""

    code = "too_large"
    http = 413
    title = "Too large"


class GraphTooLarge(UsageError):
    """More connections than ``max_edges``, or than memory holds; found out before the graph is built."""

    code = "graph_too_large"
    http = 413
    title = "The graph has too many connections"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with a dataset folder.

    ``row`` counts the rows of the file as a text editor does: the header is line 1.
    """

    file: str
    message: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        """Read as ``file, row, column: message``."""
        place = [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.message}"


class DatasetInvalid(UsageError):
    """A dataset folder that can't be added; ``findings`` say what, by file, row and column."""

    code = "invalid_dataset"
    http = 422
    title = "The dataset can't be added"

    def __init__(self, findings: Sequence[Issue], *, hint: str | None = None) -> None:
        count = len(findings)
        head = f"{count} thing{'s' if count != 1 else ''} to mend; nothing was added"
        super().__init__("\n".join([head, *(f"  {finding}" for finding in findings)]), hint=hint)
        self.findings = tuple(findings)


class BadSetting(UsageError):
    """A setting, a folder or a port that the service can't start with."""

    code = "bad_setting"
    title = "The service can't start"


class TransientError(ServiceError):
    """A part that is away for a while; the same request may succeed later."""

    code = "unavailable"
    http = 503
    title = "Temporarily unavailable"
    fault = "transient"


class NotStored(TransientError):
    """A file that a row speaks of, and that the store, which answers, does not have."""


class FatalError(ServiceError):
    """A defect of ours."""


CLOCK_OFF: Final = "clock_off"
"""The code of two clocks that disagree."""


def format_span(seconds: float) -> str:
    """Write a span of time in its largest unit.

    Examples
    --------
    >>> format_span(172800), format_span(400), format_span(5400)
    ('2.0 days', '7 minutes', '1.5 hours')
    """
    if seconds >= 86400:
        return f"{seconds / 86400:.1f} days"
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.0f} minutes"
