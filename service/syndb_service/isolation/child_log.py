"""What children write to their standard error, as records of the service's own log.

A child has no settings and no log of its own: each of its records crosses the pipe as one line of JSON, and
what a library or the kernel writes there crosses as it is.
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
        told = {"logger": record.name, "level": record.levelno, "message": text[:LONGEST]}
        return json.dumps(told | {"job_id": self._job_id})


def log_to_parent(job_id: str | None) -> None:
    """Send this child's records through the pipe.

    Parameters
    ----------
    job_id : str or None
        The job that it works for, if it works for one.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_ChildLogFormatter(job_id))
    logging.basicConfig(handlers=[handler], force=True)


def relay(pipe: IO[bytes]) -> None:
    """Log what comes through the pipe, in a thread that ends with its last writer.

    Raises
    ------
    OSError
        If no thread can be started; the pipe is closed then.
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
        told: Any = json.loads(line)
        logger, level = logging.getLogger(told["logger"]), int(told["level"])
        logger.log(level, "%s", told["message"], extra={"job_id": told["job_id"]})
    except (ValueError, KeyError, TypeError):
        if line:
            log.warning("%s", line)
