"""Logging: records with the ids of their request and job, as text or JSON."""

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
"""The id of the current request; threads that work for the request inherit it."""

STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


TEXT: Final = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"


MAX_FILE_BYTES: Final = 8 * 1024**2


class OutputFile:
    """A file for the output of this process. When it is full, it is renamed and a new one is begun.

    Parameters
    ----------
    path : Path
        The file; the renamed one ends in ``.1``.
    max_bytes : int
        Size in bytes from which the file is full.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def open(self) -> None:
        """Redirect standard output and standard error to the file."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            for standard in (1, 2):
                os.dup2(descriptor, standard)
        finally:
            os.close(descriptor)

    def rotate_if_full(self) -> None:
        """Rename a full file and begin a new one; if that fails, continue with the open file."""
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
        self._output.rotate_if_full()


def start_logging(level: int | str, form: str, output: OutputFile | None = None) -> None:
    """Send the log records of this process to standard error.

    Parameters
    ----------
    level : int or str
        Lowest level to log.
    form : {"text", "json"}
        A line of text, or a line of JSON with the ids of the request and the job.
    output : OutputFile, optional
        The file that standard error goes to; it is renamed when it is full.
    """
    handler = logging.StreamHandler() if output is None else _BoundedHandler(output)
    handler.addFilter(RequestStamp())
    handler.setFormatter(JsonLines() if form == "json" else TextLines(TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = lambda *error: log.critical("this process failed", exc_info=error)
    threading.excepthook = _log_failed_thread


def report_fatal_error(message: str, hint: str | None) -> None:
    """Write the error that ends this process or command to standard error, without a traceback."""
    if any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger().handlers):
        log.critical("%s", message, extra={"hint": hint})
    else:
        sys.stderr.write(
            escape_control_characters("\n".join([f"syndb-lab: {message}", *([hint] if hint else [])])) + "\n"
        )


def _log_failed_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        name = args.thread.name if args.thread else "?"
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        log.critical("the thread %s failed", name, exc_info=error)


class RequestStamp(logging.Filter):
    """Adds the ``request_id`` of the current request to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; keep every record."""
        if not hasattr(record, "request_id"):
            record.request_id = REQUEST_ID.get()
        return True


class TextLines(logging.Formatter):
    """Formats each record as text, shortened to ``LOG_CHARACTERS``.

    Examples
    --------
    >>> len(TextLines("%(message)s").format(logging.makeLogRecord({"msg": "x" * 10**6})))
    16384
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        return shorten(super().format(record), LOG_CHARACTERS)


class JsonLines(logging.Formatter):
    """Formats each record as a line of JSON, with the fields of ``extra``; long texts are shortened.

    Examples
    --------
    >>> record = logging.makeLogRecord({"msg": "job %s: done", "args": ("6e1f",), "job_id": "6e1f"})
    >>> json.loads(JsonLines().format(record))["job_id"]
    '6e1f'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": shorten(record.getMessage(), LOG_CHARACTERS),
        }
        line |= {
            name: shorten(value, LOG_CHARACTERS) if isinstance(value, str) else value
            for name, value in vars(record).items()
            if name not in STANDARD_FIELDS and value is not None
        }
        if record.exc_info:
            line["error"] = shorten(self.formatException(record.exc_info), LOG_CHARACTERS)
        return json.dumps(line, default=str, ensure_ascii=False)


def printable(text: str) -> str:
    r"""Escape characters with which foreign text could forge a line or control a terminal.

    Examples
    --------
    >>> print(printable("a\r\nb\x1b[31m"))
    a\x0d\x0ab\x1b[31m
    """
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
