"""Log records that say which request and which job they are about, for people and for programs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from syndb_service.text.terminal_text import escape_control_characters
from syndb_service.text.truncation import LOG_CHARACTERS, shorten

log = logging.getLogger(__name__)

AUDIT: Final = "syndb.audit"

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The request that is being answered; threads that work for it inherit it."""

USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


TEXT: Final = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"


MOST_BYTES: Final = 8 * 1024**2


class OutputFile:
    """A file that takes this process's output, and is begun anew when it is full; the one before is kept.

    Parameters
    ----------
    path : Path
        The file; the one before it ends in ``.1``.
    max_bytes : int
        From which size on it is full.
    """

    def __init__(self, path: Path, max_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def open(self) -> None:
        """Send standard output and standard error there."""
        opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            for standard in (1, 2):
                os.dup2(opened, standard)
        finally:
            os.close(opened)

    def bound(self) -> None:
        """Begin it anew if it is full; where that fails, go on with the one that is open."""
        with contextlib.suppress(OSError):
            if os.fstat(2).st_size > self._max_bytes:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
                self.open()


class _BoundedHandler(logging.StreamHandler[TextIO]):
    def __init__(self, output: OutputFile) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self._output.bound()


def start_logging(level: int | str, form: str, output: OutputFile | None = None) -> None:
    """Send this process's records to standard error.

    Parameters
    ----------
    level : int or str
        From which level on.
    form : {"text", "json"}
        One line for people, or one line of JSON with the request's and the job's id.
    output : OutputFile, optional
        Where standard error goes, if it is to be kept small.
    """
    handler = logging.StreamHandler() if output is None else _BoundedHandler(output)
    handler.addFilter(RequestStamp())
    handler.setFormatter(JsonLines() if form == "json" else TextLines(TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = lambda *error: log.critical("this process failed", exc_info=error)
    threading.excepthook = _log_failed_thread


def refuse(message: str, hint: str | None) -> None:
    """Say on standard error, without a traceback, why this process or command ends."""
    if any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers):
        log.critical("%s", message, extra={"hint": hint})
    else:
        sys.stderr.write(
            escape_control_characters("\n".join([f"syndb-lab: {message}", *([hint] if hint else [])])) + "\n"
        )


def _log_failed_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        name = failed.thread.name if failed.thread else "?"
        error = (failed.exc_type, failed.exc_value, failed.exc_traceback)
        log.critical("the thread %s failed", name, exc_info=error)


class RequestStamp(logging.Filter):
    """Gives every record the ``request_id`` of the request during which it was made."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamp the record; none is held back."""
        if not hasattr(record, "request_id"):
            record.request_id = REQUEST_ID.get()
        return True


class TextLines(logging.Formatter):
    """Writes each record for people; a text of others does not make it longer than ``LOG_CHARACTERS``.

    Examples
    --------
    >>> len(TextLines("%(message)s").format(logging.makeLogRecord({"msg": "x" * 10**6})))
    16384
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        return shorten(super().format(record), LOG_CHARACTERS)


class JsonLines(logging.Formatter):
    """Writes each record as one line of JSON, with what was passed as ``extra``; long texts are cut.

    Examples
    --------
    >>> record = logging.makeLogRecord({"msg": "job %s: done", "args": ("6e1f",), "job_id": "6e1f"})
    >>> json.loads(JsonLines().format(record))["job_id"]
    '6e1f'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": shorten(record.getMessage(), LOG_CHARACTERS),
        }
        line |= {
            name: shorten(value, LOG_CHARACTERS) if isinstance(value, str) else value
            for name, value in vars(record).items()
            if name not in USUAL and value is not None
        }
        if record.exc_info:
            line["error"] = shorten(self.formatException(record.exc_info), LOG_CHARACTERS)
        return json.dumps(line, default=str, ensure_ascii=False)


def printable(text: str) -> str:
    r"""Return a text of others without what could forge a line or steer a terminal.

    Examples
    --------
    >>> print(printable("a\r\nb\x1b[31m"))
    a\x0d\x0ab\x1b[31m
    """
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
