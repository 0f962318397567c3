"""A supervisor and its processes, as small as they can be, for the tests of both."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from syndb_service.server.parent_watchdog import ParentWatchdog
from syndb_service.server.process_supervisor import CANNOT_START, ProcessSupervisor


def supervise(folder: Path, mode: str, count: int) -> int:
    """Run a supervisor; it writes READY into the folder's file of that name."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    command = [sys.executable, "-m", __spec__.name, "process", str(folder), mode]
    supervisor = ProcessSupervisor("process", command, count, grace_s=1)
    return supervisor.run(lambda: (folder / "READY").touch())


def be_process(folder: Path, mode: str) -> None:
    """Write a file named for this process, be ready, and end on SIGTERM, unless the mode is otherwise."""
    lifeline = ParentWatchdog.start()
    ended = threading.Event()
    if mode == "refuses":
        sys.stderr.write("this can't be\n")
        sys.exit(CANNOT_START)
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    (folder / f"{os.getpid()}.started").touch()
    lifeline.report_ready()
    if mode == "short":
        return
    while not ended.wait(0.05):
        pass
    (folder / f"{os.getpid()}.ended").touch()


if __name__ == "__main__":
    role, where, how = sys.argv[1:4]
    if role == "process":
        be_process(Path(where), how)
    else:
        sys.exit(supervise(Path(where), how, int(sys.argv[4])))
