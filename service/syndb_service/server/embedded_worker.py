"""The worker of the embedded service: Dramatiq threads that run one job at a time each."""

from __future__ import annotations

import logging
import shutil

import dramatiq

from syndb_service.container import Container
from syndb_service.isolation.fork_server_client import CHILDREN_AHEAD
from syndb_service.runtime.background import BackgroundThread
from syndb_service.worker.worker_monitor import WorkerReporter

log = logging.getLogger(__name__)

STOP_MS = 10_000
POLL_MS = 100
CHECK_S = 1.0


class EmbeddedWorker:
    """Runs jobs in this process.

    Parameters
    ----------
    service : Container
        The container; this worker is the only one of its data folder.
    """

    def __init__(self, service: Container) -> None:
        self._service = service
        self._worker = self._new_worker()
        self._monitor = BackgroundThread("job consumers", self._restart_if_ended)
        self._reporter = WorkerReporter(service.worker_reports, lambda: self.alive)

    def start(self) -> None:
        """Requeue the jobs that an earlier process left running, then claim jobs.

        In a shared database a running job may belong to another worker: there the lease decides.
        """
        service = self._service
        shutil.rmtree(service.settings.temp_path, ignore_errors=True)
        service.fork_server.start(waiting=CHILDREN_AHEAD)
        if service.database.shared:
            service.supervisor.start_cancel_polling()
        else:
            for job in service.store.maintenance.list_running():
                service.sweeper.requeue(job, lapsed=False)
        service.supervisor.start_heartbeat()
        self._worker.start()
        self._monitor.start()
        self._reporter.start()
        for job_id in service.store.maintenance.claim_undispatched(0):
            log.info("job %s was pending at start", job_id)
            service.dispatcher.dispatch(job_id)
        service.sweeper.start()
        service.scrubber.start()

    @property
    def alive(self) -> bool:
        """Whether all threads of the worker run."""
        return all(thread.is_alive() for thread in (*self._worker.consumers.values(), *self._worker.workers))

    def stop(self) -> None:
        """End the child processes, requeue their jobs, and stop the threads."""
        self._monitor.stop()
        self._service.scrubber.stop()
        self._service.sweeper.stop()
        self._service.supervisor.stop()
        self._worker.stop(timeout=STOP_MS)
        self._service.supervisor.close()
        self._reporter.stop()

    def _new_worker(self) -> dramatiq.Worker:
        return dramatiq.Worker(
            self._service.broker,
            worker_threads=self._service.settings.max_workers,
            worker_timeout=POLL_MS,
        )

    def _restart_if_ended(self) -> None:
        """Replace Dramatiq's threads if one of them has ended: it would receive no further job messages."""
        if self._monitor.wait(CHECK_S) or self.alive:
            return
        log.error("a thread that receives job messages has ended; the threads are replaced")
        self._worker.stop(timeout=0)
        self._worker = self._new_worker()
        self._worker.start()
