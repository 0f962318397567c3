"""A worker process; ``syndb-lab worker`` starts it.

``python -m syndb_service.server.worker_process DATA_DIR LOG_LEVEL``
"""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import threading
import time

from syndb_service.broker.consumer import JobConsumer
from syndb_service.container import Container, build_container
from syndb_service.domain.job_status import Status
from syndb_service.isolation.fork_server_client import CHILDREN_AHEAD
from syndb_service.runtime.background import Rounds
from syndb_service.server.bootstrap import bootstrap, report_startup_errors
from syndb_service.worker.worker_monitor import WorkerReporter

log = logging.getLogger(__name__)

STOP_S = 10.0
CHECK_S = 0.5


class DistributedWorker:
    """Runs jobs from a database that it shares with other workers.

    Parameters
    ----------
    service : Container
        The container.
    """

    def __init__(self, service: Container) -> None:
        self._service = service
        self._consumer = JobConsumer(service.broker, service.settings.max_workers)
        self._reporter = WorkerReporter(service.worker_reports, lambda: self._consumer.alive)
        self._cleaned_at = time.monotonic()
        self._cleaning = Rounds("temporary folders")

    def start(self) -> None:
        """Start the threads that claim and run jobs."""
        self._service.fork_server.start(waiting=CHILDREN_AHEAD)
        self._service.supervisor.start_heartbeat()
        self._service.supervisor.start_cancel_polling()
        self._consumer.start()
        self._reporter.start()
        self._service.sweeper.start()
        self._service.scrubber.start()

    @property
    def alive(self) -> bool:
        """Whether its thread of job messages runs, even during an outage of the broker."""
        return self._consumer.alive

    def remove_stale_temp_folders(self) -> None:
        """Remove temporary folders that a killed worker of this host left, at most once per lease."""
        if time.monotonic() - self._cleaned_at < self._service.settings.lease_s:
            return
        self._cleaned_at = time.monotonic()
        with self._cleaning.attempt():
            _remove_stale_temp_folders(self._service)

    def stop(self) -> None:
        """End the child processes, requeue their jobs and the job messages, and stop the threads."""
        self._service.supervisor.stop()
        if not self._consumer.stop(STOP_S):
            log.warning("broker unavailable: unacknowledged job messages go to other workers")
        self._service.scrubber.stop()
        self._service.sweeper.stop()
        self._service.supervisor.close()
        self._reporter.stop()


def _remove_stale_temp_folders(service: Container) -> None:
    """Remove the folders of attempts that no longer run.

    Folders are listed before rows are read, so that every listed folder has a row.
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
        watchdog, settings = bootstrap(sys.argv[1:])
        service = build_container(settings)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        worker = DistributedWorker(service)
        worker.start()
    watchdog.report_ready()
    while not stopping.wait(CHECK_S):
        if not worker.alive:
            log.error(
                "a thread that receives job messages has ended; this process ends, and is started again"
            )
            break
        worker.remove_stale_temp_folders()
    worker.stop()
    service.close()
    return 0 if stopping.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
