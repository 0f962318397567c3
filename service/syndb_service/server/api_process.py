"""An API process; ``syndb-lab api`` starts it.

``python -m syndb_service.server.api_process DATA_DIR LOG_LEVEL FD``, where FD is a listening socket.
"""

from __future__ import annotations

import socket
import sys

from syndb_service.api.app import create_app
from syndb_service.container import build_container
from syndb_service.server.bootstrap import bootstrap, report_startup_errors
from syndb_service.server.http_server import run_http_server


def main() -> int:
    """Answer requests until SIGTERM; return the exit status."""
    with report_startup_errors():
        watchdog, settings = bootstrap(sys.argv[1:])
        listener = socket.socket(fileno=int(sys.argv[3]))
        service = build_container(settings, needs_broker=False)
        service.fork_server.start()
    try:
        run_http_server(create_app(service), listener, watchdog.report_ready)
    finally:
        service.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
