"""A worker process, as ``syndb-lab worker`` starts it.

``python -m syndb_service.server.worker_process DATA_DIR LOG_LEVEL``
"""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import threading
import time

from syndb_service.broker import JobConsumer
from syndb_service.container import Container, build_container
from syndb_service.domain.job_status import Status
from syndb_service.isolation.fork_server_client import CHILDREN_AHEAD
from syndb_service.runtime.background import Rounds
from syndb_service.server.bootstrap import bootstrap, report_startup_errors
from syndb_service.worker.worker_monitor import WorkerReporter

log = logging.getLogger(__name__)

STOP_S = 10.0
LOOK_S = 0.5


class DistributedWorker:
    """Runs jobs of a database that it shares with other workers.

    Parameters
    ----------
    service : Service
        The wired service.
    """

    def __init__(self, service: Container) -> None:
        self._service = service
        self._taker = JobConsumer(service.broker, service.settings.max_workers)
        self._reporter = WorkerReporter(service.worker_reports, lambda: self._taker.alive)
        self._tidied_at = time.monotonic()
        self._tidying = Rounds("temporary folders")

    def start(self) -> None:
        """Take jobs."""
        self._service.fork_server.start(waiting=CHILDREN_AHEAD)
        self._service.supervisor.start_heartbeat()
        self._service.supervisor.start_cancel_polling()
        self._taker.start()
        self._reporter.start()
        self._service.sweeper.start()
        self._service.scrubber.start()

    @property
    def alive(self) -> bool:
        """Whether it still takes jobs, or would if its broker were there."""
        return self._taker.alive

    def remove_stale_temp_folders(self) -> None:
        """Once a lease, remove what a killed worker of this host left in the temporary folder."""
        if time.monotonic() - self._tidied_at < self._service.settings.lease_s:
            return
        self._tidied_at = time.monotonic()
        with self._tidying.attempt():
            _remove_stale_temp_folders(self._service)

    def stop(self) -> None:
        """End the children, give their jobs and the hints back, and stop the threads."""
        self._service.supervisor.stop()
        if not self._taker.stop(STOP_S):
            log.warning("hints are left to others: the broker does not answer")
        self._service.scrubber.stop()
        self._service.sweeper.stop()
        self._service.supervisor.close()
        self._reporter.stop()


def _remove_stale_temp_folders(service: Container) -> None:
    """Remove the folders of attempts that don't run any more.

    Folders are listed before rows are read: whatever is listed then has its row.
    """
    temp_path = service.settings.temp_path
    folders = {folder.name: folder for folder in temp_path.iterdir()} if temp_path.exists() else {}
    known = service.store.maintenance.find_existing({name.rpartition("-")[0] for name in folders})
    for name, folder in folders.items():
        job_id, _, attempt = name.rpartition("-")
        job = known.get(job_id)
        if job is None or job.status is not Status.RUNNING or attempt != str(job.attempt):
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run jobs until SIGTERM; return the exit status."""
    with report_startup_errors():
        lifeline, settings = bootstrap(sys.argv[1:])
        service = build_container(settings)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        worker = DistributedWorker(service)
        worker.start()
    lifeline.report_ready()
    while not stopping.wait(LOOK_S):
        if not worker.alive:
            log.error("a thread that takes hints has ended; this process ends, and another one follows")
            break
        worker.remove_stale_temp_folders()
    worker.stop()
    service.close()
    return 0 if stopping.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
