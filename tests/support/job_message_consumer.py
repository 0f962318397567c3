"""A process that takes hints: writes each to a file, then holds it until a gate opens."""

from __future__ import annotations

import logging
import sys
import threading
import time
from pathlib import Path

from syndb_service.broker import open_broker, register_actor
from syndb_service.broker.consumer import JobConsumer


def main(url: str, taken: Path, gate: Path) -> None:
    """Take hints until this process is killed."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    broker = open_broker(url, wait_s=30)
    lock = threading.Lock()

    def take(job_id: str) -> None:
        with lock, taken.open("a") as file:
            file.write(f"{job_id}\n")
        while not gate.exists():
            time.sleep(0.01)

    register_actor(broker, take)
    JobConsumer(broker, threads=2).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
