"""The exceptions of the package.

SyndbError                              message · hint · code · status
├── RequestRefused                      a 4xx without a more specific class
│   ├── QueryError                      invalid SQL: query · line · column, shown with a caret
│   ├── AuthError                       401: no token, or one that is unknown, expired or revoked
│   ├── AccessDenied                    403: the token's owner may not read this dataset
│   │   └── AcademicVerificationRequired
│   ├── JobNotFound                     404: no such job, or someone else's
│   ├── ResultNotReady                  409: the job is not completed
│   ├── ResultExpired                   410: destroyed; the job can be rerun
│   └── TooManyRequests                 429
├── JobFailed                           the job ended with an error: reason · line · column
├── JobCancelled                        the job was cancelled, so it has no result
├── WaitTimeout                         (and TimeoutError) the job goes on
├── ParameterError                      a ``:name`` without a value; an invalid value or argument
├── UnknownDataset                      a name or an id that no dataset has, with the nearest names
├── ResultTruncated                     truncated at the size limit, and ``allow_truncated`` is not set
├── ResultDamaged                       the file's checksum is wrong
├── ResultUnsuitable                    the result has no form that the method could return
└── ServiceUnavailable                  no response, or 502, 503 or 504
    └── ServiceNotStarted               the embedded service did not start
Detached (KeyboardInterrupt)            Ctrl-C while waiting: the job goes on
"""

from __future__ import annotations

from collections.abc import Mapping
from linecache import getline
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

from syndb_lab.next_steps.next_step import Audience, NextStep, render
from syndb_lab.next_steps.problem_steps import hint_of
from syndb_lab.text.terminal_text import escape_control_characters

BREAKS: Final = dict.fromkeys(map(ord, "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Characters that break a line on some screens but not in SQL; blanks replace them, so that a caret fits."""


MAX_LINES: Final = 16
MAX_CHARACTERS: Final = 2000
MAX_COLUMNS: Final = 98


class SyndbError(Exception):
    """The base class of the exceptions of syndb_lab.

    Parameters
    ----------
    message : str
        What was wrong, in a sentence.
    hint : str or NextStep, optional
        What to do next: a sentence, or a step that is formatted for its audience.
    code : str, optional
        The service's error code, for programs.
    status : int, optional
        The HTTP status, if there was a response.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | NextStep | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self._hint = hint
        self.code = code
        self.status = status

    @property
    def hint(self) -> str | None:
        """What to do next, as a sentence for Python users."""
        return self.hint_for(Audience.PYTHON)

    @hint.setter
    def hint(self, hint: str | NextStep | None) -> None:
        self._hint = hint

    @property
    def next_step(self) -> NextStep | None:
        """What to do next, as an action with its arguments; None if the hint is a sentence."""
        return self._hint if isinstance(self._hint, NextStep) else None

    def hint_for(self, audience: Audience) -> str | None:
        """Format what to do next for an audience."""
        return render(self._hint, audience) if isinstance(self._hint, NextStep) else self._hint

    def __str__(self) -> str:
        """Return the message and, on its own line, the hint, without control characters."""
        return self.text_for(Audience.PYTHON)

    def text_for(self, audience: Audience) -> str:
        """Format the error, as ``str`` does, for an audience."""
        lines = (screenful(self.message), self._excerpt(), screenful(self.hint_for(audience)))
        return escape_control_characters("\n".join(filter(None, lines)))

    def _excerpt(self) -> str | None:
        """Return the line of SQL with the error; None without one."""
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all attributes, whatever arguments the class's constructor takes."""
        return _rebuild_error, (type(self), self.message), self.__dict__

    def _render_traceback_(self) -> list[str]:
        """Return the user's own lines that led to the error, and its text, for a notebook's output."""
        return [*_own_lines(self.__traceback__), f"{type(self).__name__}: {self}"]


class RequestRefused(SyndbError):
    """The service rejected the request: a 4xx status."""


class PlacedError(SyndbError):
    """An error that may have a position in the SQL (``line`` and ``column`` count from 1)."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | NextStep | None = None,
        code: str | None = None,
        status: int | None = None,
        query: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code, status=status)
        self.query = query
        self.line = line
        self.column = column

    def _excerpt(self) -> str | None:
        return excerpt(self.query, self.line, self.column)


class QueryError(PlacedError, RequestRefused):
    r"""SQL that is invalid or not allowed.

    Examples
    --------
    >>> raise QueryError("no such column", query="SELECT nam\nFROM neurons", line=1, column=8)
    Traceback (most recent call last):
    syndb_lab.errors.QueryError: no such column
    line 1: SELECT nam
                   ^
    """


class AuthError(RequestRefused):
    """No token, or one that is unknown, expired or revoked."""


class AccessDenied(RequestRefused):
    """The token is valid, but its owner may not read what was requested."""


class AcademicVerificationRequired(AccessDenied):
    """The token's owner has not been verified as an academic."""


class JobNotFound(RequestRefused):
    """There is no job with this id, or it belongs to another user."""


class ResultNotReady(RequestRefused):
    """The job is not completed; ``retry_after`` is set (seconds) while it may still complete."""

    retry_after: float | None = None


class ResultExpired(RequestRefused):
    """The result was destroyed; the record is kept and the job can be rerun."""


class TooManyRequests(RequestRefused):
    """Too many requests, or too many open jobs; ``retry_after`` in seconds."""

    retry_after: float | None = None


class JobFailed(PlacedError):
    """The job failed; ``reason`` and the message come from the service.

    Parameters
    ----------
    record : mapping
        The job's record, as on the wire.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        error = record.get("error") or {}
        super().__init__(
            error.get("message") or record.get("error_message") or "the job failed",
            hint=hint_of(error, path=f"/v1/jobs/{record['job_id']}"),
            code=error.get("code"),
            query=record.get("query"),
            line=error.get("line"),
            column=error.get("column"),
        )
        self.job_id: str = record["job_id"]
        self.reason: str | None = record.get("reason")


class JobCancelled(SyndbError):
    """The job was cancelled, so there is no result."""


class WaitTimeout(SyndbError, TimeoutError):
    """The timeout of ``wait`` is over; the job goes on."""


class ParameterError(PlacedError):
    """A ``:name`` in the SQL has no value, or a value or an argument is invalid."""


class UnknownDataset(SyndbError):
    """No dataset has this name, or this id."""


class ResultTruncated(SyndbError):
    """The result was truncated at the service's size limit, and ``allow_truncated`` is not set."""


class ResultDamaged(SyndbError):
    """The downloaded file is not the one the service wrote."""


class ResultUnsuitable(SyndbError):
    """The method does not apply to this kind of result."""


class ServiceUnavailable(SyndbError):
    """The service does not respond, or responds with 502, 503 or 504."""


class ServiceNotStarted(ServiceUnavailable):
    """The embedded service did not start."""


class Detached(KeyboardInterrupt):
    """Ctrl-C, or the notebook's Stop, ended the wait; the message says how to cancel the job."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def _rebuild_error(kind: type[SyndbError], message: str) -> SyndbError:
    """Rebuild an error that was pickled."""
    error = kind.__new__(kind, message)
    error.args = (message,)
    return error


def _own_lines(trace: TracebackType | None) -> list[str]:
    """Return the user's lines that led into this package, without those of IPython."""
    lines = []
    for frame, number in walk_tb(trace):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package == __name__.partition(".")[0]:
            break
        if package not in ("IPython", "ipykernel"):
            text = getline(frame.f_code.co_filename, number, frame.f_globals).strip()
            lines.append(f"line {number}: {text}")
    return lines


def screenful(text: str | None) -> str:
    """Cut a text to ``MAX_LINES`` and ``MAX_CHARACTERS``, and append its full length.

    Examples
    --------
    >>> screenful("fine"), len(screenful("x" * 10**6)) < 2100
    ('fine', True)
    """
    text = str(text or "").encode("utf-8", "backslashreplace").decode()
    lines = text.split("\n")
    cut = "\n".join(lines[:MAX_LINES])[:MAX_CHARACTERS]
    return text if cut == text else f"{cut}… ({len(text):,} characters)"


def around(text: str, column: int | None) -> tuple[str, int | None]:
    """Cut a long line to ``MAX_COLUMNS`` around a column; return the cut line and the column in it.

    Examples
    --------
    >>> around("x" * 500 + "y" + "x" * 500, 501)[0][50]
    'y'
    """
    start = max(0, (column or 1) - 1 - MAX_COLUMNS // 2)
    shown = text[start : start + MAX_COLUMNS]
    begin, end = "…" if start else "", "…" if start + MAX_COLUMNS < len(text) else ""
    shown_column = column - start + len(begin) if column is not None else None
    return f"{begin}{shown}{end}", shown_column


def excerpt(query: str | None, line: int | None, column: int | None) -> str | None:
    r"""Show a line of SQL with a caret under the column; lines end at ``\n`` alone, as for the service.

    Examples
    --------
    >>> print(excerpt("SELECT nam\nFROM neurons", 1, 8))
    line 1: SELECT nam
                   ^
    """
    if not query or line is None:
        return None
    lines = query.split("\n")
    if not 1 <= line <= len(lines):
        return None
    head, text = f"line {line}: ", lines[line - 1].removesuffix("\r").translate(BREAKS)
    if len(text) > MAX_COLUMNS:
        text, column = around(text, column)
    if column is None or not 1 <= column <= len(text) + 1:
        return head + text
    pad = "".join("\t" if character == "\t" else " " for character in text[: column - 1])
    return f"{head}{text}\n{' ' * len(head)}{pad}^"
