"""How each of our processes begins: tied to its supervisor, logging, its settings read; refusals told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from syndb_service.errors import ServiceError
from syndb_service.logs import refuse, start_logging
from syndb_service.runtime.malloc_arenas import limit_malloc_arenas
from syndb_service.server.parent_watchdog import ParentWatchdog
from syndb_service.server.process_supervisor import CANNOT_START
from syndb_service.settings import PRIVATE, Settings, load_settings


def bootstrap(arguments: Sequence[str]) -> tuple[ParentWatchdog, Settings]:
    """Begin a process whose first arguments are the data folder and the level of the log."""
    os.umask(PRIVATE)
    limit_malloc_arenas()
    lifeline = ParentWatchdog.start()
    data_dir, level = arguments[:2]
    settings = load_settings(Path(data_dir))
    start_logging(level, settings.log_format)
    return lifeline, settings


@contextmanager
def report_startup_errors() -> Iterator[None]:
    """Tell an error of ours without a traceback, and end with the status that says: don't try again."""
    try:
        yield
    except ServiceError as error:
        refuse(error.message, error.hint)
        sys.exit(CANNOT_START)
