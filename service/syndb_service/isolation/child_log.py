"""Forwards the standard error of children to the service's log.

A child has no settings and no log file. It writes each log record to the pipe as one line of JSON; lines
that a library or the kernel writes are logged unchanged.
"""

from __future__ import annotations

import errno
import json
import logging
from typing import IO, Any, Final

from syndb_service.runtime.background import BackgroundThread, EndOfRounds

log = logging.getLogger(__name__)

LONGEST: Final = 16_384


class _ChildLogFormatter(logging.Formatter):
    def __init__(self, job_id: str | None) -> None:
        super().__init__()
        self._job_id = job_id

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        entry = {"logger": record.name, "level": record.levelno, "message": text[:LONGEST]}
        return json.dumps(entry | {"job_id": self._job_id})


def log_to_parent(job_id: str | None) -> None:
    """Write this child's log records to the pipe.

    Parameters
    ----------
    job_id : str or None
        The job that the child runs, if any.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_ChildLogFormatter(job_id))
    logging.basicConfig(handlers=[handler], force=True)


def relay(pipe: IO[bytes]) -> None:
    """Log the lines from the pipe, in a thread that ends when the last writer closes it.

    Raises
    ------
    OSError
        If no thread can be started; the pipe is then closed.
    """
    try:
        BackgroundThread("child log", lambda: _relay(pipe)).start()
    except RuntimeError as error:
        pipe.close()
        raise BlockingIOError(errno.EAGAIN, str(error)) from error


def _relay(pipe: IO[bytes]) -> None:
    line = pipe.readline(2 * LONGEST)
    if not line:
        pipe.close()
        raise EndOfRounds
    _log(line.decode(errors="replace").rstrip())


def _log(line: str) -> None:
    try:
        entry: Any = json.loads(line)
        logger, level = logging.getLogger(entry["logger"]), int(entry["level"])
        logger.log(level, "%s", entry["message"], extra={"job_id": entry["job_id"]})
    except (ValueError, KeyError, TypeError):
        if line:
            log.warning("%s", line)
