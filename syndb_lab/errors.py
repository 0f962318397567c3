"""Everything that may go wrong on the notebook's side, once.

SyndbError                              message · hint · code · status
├── RequestRefused                      a 4xx without a class of its own
│   ├── QueryError                      SQL that is not run: query · line · column, shown with a caret
│   ├── AuthError                       401: no token, or one that is unknown, expired or revoked
│   ├── AccessDenied                    403: this dataset is not for this token
│   │   └── AcademicVerificationRequired
│   ├── JobNotFound                     404: no such job, or someone else's
│   ├── ResultNotReady                  409: the job is not completed
│   ├── ResultExpired                   410: destroyed; the job can be rerun
│   └── TooManyRequests                 429
├── JobFailed                           the service ran it and says why: reason · line · column
├── JobCancelled                        a result was asked for, and there is none
├── WaitTimeout                         (and TimeoutError) the job goes on
├── ParameterError                      a ``:name`` without a value; a value that can't be taken
├── UnknownDataset                      a name or an id that no dataset has, with the nearest
├── ResultTruncated                     cut at the size limit, and not allowed
├── ResultDamaged                       the file's checksum is wrong
├── ResultUnsuitable                    the verb doesn't fit the result
└── ServiceUnavailable                  nothing answers, or it can't answer now
    └── ServiceNotStarted               the embedded service did not come up
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
"""What ends a line on some screens and none in SQL: a blank of the same width, so that a caret fits."""


MOST_LINES: Final = 16
MOST_CHARACTERS: Final = 2000
WIDEST: Final = 98


class SyndbError(Exception):
    """The base of everything that syndb_lab raises.

    Parameters
    ----------
    message : str
        What was wrong, in a sentence.
    hint : str or NextStep, optional
        What to do next: in a sentence, or as a step that each surface words for itself.
    code : str, optional
        The service's code for it, which programs may read.
    status : int, optional
        The HTTP status, where there was an answer.
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
        """What to do next, in a sentence for Python."""
        return self.hint_for(Audience.PYTHON)

    @hint.setter
    def hint(self, hint: str | NextStep | None) -> None:
        self._hint = hint

    @property
    def next_step(self) -> NextStep | None:
        """What to do next, as an action with its arguments, where there is one."""
        return self._hint if isinstance(self._hint, NextStep) else None

    def hint_for(self, audience: Audience) -> str | None:
        """Write what to do next for those who read it."""
        return render(self._hint, audience) if isinstance(self._hint, NextStep) else self._hint

    def __str__(self) -> str:
        """Read as the message, and the hint on a line of its own; nothing in it acts on a terminal."""
        return self.text_for(Audience.PYTHON)

    def text_for(self, audience: Audience) -> str:
        """Write the whole error, as ``str`` does, for those who read it."""
        lines = (screenful(self.message), self._excerpt(), screenful(self.hint_for(audience)))
        return escape_control_characters("\n".join(filter(None, lines)))

    def _excerpt(self) -> str | None:
        """Show the line of SQL that it is about, where there is one."""
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross to another process whole, whatever the class takes to be made."""
        return _rebuild_error, (type(self), self.message), self.__dict__

    def _render_traceback_(self) -> list[str]:
        """Show it in a notebook as one block: the lines of the user's that led to it, and what it says."""
        return [*_own_lines(self.__traceback__), f"{type(self).__name__}: {self}"]


class RequestRefused(SyndbError):
    """The service understood the request and refuses it."""


class PlacedError(SyndbError):
    """An error that may know its place in the SQL (``line`` and ``column`` count from 1)."""

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
    r"""SQL that the service does not run.

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
    """The token is valid, and what was asked for is not for its owner."""


class AcademicVerificationRequired(AccessDenied):
    """The token's owner has not been verified as an academic."""


class JobNotFound(RequestRefused):
    """No job of this id, or none of yours."""


class ResultNotReady(RequestRefused):
    """The job is not completed; ``retry_after`` (seconds) while its result can still come."""

    retry_after: float | None = None


class ResultExpired(RequestRefused):
    """The result was destroyed on its date; the record is kept and the job can be rerun."""


class TooManyRequests(RequestRefused):
    """Too many requests, or too many open jobs; ``retry_after`` in seconds."""

    retry_after: float | None = None


class JobFailed(PlacedError):
    """The job ended without a result; ``reason`` and the message are the service's own.

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
    """The time given to ``wait`` is over; the job goes on."""


class ParameterError(PlacedError):
    """A ``:name`` in the SQL has no value, or a value was given that can't be taken."""


class UnknownDataset(SyndbError):
    """No dataset has this name, or this id."""


class ResultTruncated(SyndbError):
    """The result was cut at the service's size limit, and nobody said that this is all right."""


class ResultDamaged(SyndbError):
    """The downloaded file is not the one the service wrote."""


class ResultUnsuitable(SyndbError):
    """The result is of another kind than the verb works on."""


class ServiceUnavailable(SyndbError):
    """Nothing answers at the address, or it says that it can't answer now."""


class ServiceNotStarted(ServiceUnavailable):
    """The embedded service did not come up."""


class Detached(KeyboardInterrupt):
    """Ctrl-C, or the notebook's Stop, ended the waiting; the message says how to cancel the job."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def _rebuild_error(kind: type[SyndbError], message: str) -> SyndbError:
    """Make an error that was pickled."""
    error = kind.__new__(kind, message)
    error.args = (message,)
    return error


def _own_lines(trace: TracebackType | None) -> list[str]:
    """Return the lines that were run before this package was entered, without those of IPython."""
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
    """Cut a text that would fill more than a screen together with the rest of an error, and say its length.

    Examples
    --------
    >>> screenful("fine"), len(screenful("x" * 10**6)) < 2100
    ('fine', True)
    """
    text = str(text or "").encode("utf-8", "backslashreplace").decode()
    lines = text.split("\n")
    cut = "\n".join(lines[:MOST_LINES])[:MOST_CHARACTERS]
    return text if cut == text else f"{cut}… ({len(text):,} characters)"


def around(text: str, column: int | None) -> tuple[str, int | None]:
    """Cut a long line to what stands around a column; return it and the column in it.

    Examples
    --------
    >>> around("x" * 500 + "y" + "x" * 500, 501)[0][50]
    'y'
    """
    start = max(0, (column or 1) - 1 - WIDEST // 2)
    shown = text[start : start + WIDEST]
    begin, end = "…" if start else "", "…" if start + WIDEST < len(text) else ""
    moved = column - start + len(begin) if column is not None else None
    return f"{begin}{shown}{end}", moved


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
    if len(text) > WIDEST:
        text, column = around(text, column)
    if column is None or not 1 <= column <= len(text) + 1:
        return head + text
    pad = "".join("\t" if character == "\t" else " " for character in text[: column - 1])
    return f"{head}{text}\n{' ' * len(head)}{pad}^"
