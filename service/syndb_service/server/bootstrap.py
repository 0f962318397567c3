"""The start of every process of the service: watchdog, settings, logging and start errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from syndb_service.errors import ServiceError
from syndb_service.logs import report_fatal_error, start_logging
from syndb_service.runtime.malloc_arenas import limit_malloc_arenas
from syndb_service.server.parent_watchdog import ParentWatchdog
from syndb_service.server.process_supervisor import CANNOT_START
from syndb_service.settings import PRIVATE, Settings, load_settings


def bootstrap(arguments: Sequence[str]) -> tuple[ParentWatchdog, Settings]:
    """Start the watchdog and logging, and load the settings; the arguments are data folder and log level."""
    os.umask(PRIVATE)
    limit_malloc_arenas()
    watchdog = ParentWatchdog.start()
    data_dir, level = arguments[:2]
    settings = load_settings(Path(data_dir))
    start_logging(level, settings.log_format)
    return watchdog, settings


@contextmanager
def report_startup_errors() -> Iterator[None]:
    """Print an error of the service without a traceback, and exit with ``CANNOT_START``: do not restart."""
    try:
        yield
    except ServiceError as error:
        report_fatal_error(error.message, error.hint)
        sys.exit(CANNOT_START)
