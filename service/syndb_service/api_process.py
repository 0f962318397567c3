"""An API process, as ``syndb-lab api`` starts it.

``python -m syndb_service.api_process DATA_DIR LOG_LEVEL FD``, where FD is a listening socket.
"""

from __future__ import annotations

import socket
import sys

from syndb_service.api.app import build_app
from syndb_service.factory import build_service
from syndb_service.process_start import begin, telling_refusals
from syndb_service.serving import answer


def main() -> int:
    """Answer requests until SIGTERM; return the exit status."""
    with telling_refusals():
        lifeline, settings = begin(sys.argv[1:])
        listener = socket.socket(fileno=int(sys.argv[3]))
        service = build_service(settings, needs_broker=False)
        service.nursery.start()
    try:
        answer(build_app(service), listener, lifeline.ready)
    finally:
        service.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
