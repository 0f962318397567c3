"""The sweeper: gives lost jobs back, sends hints again, destroys what has expired."""

from __future__ import annotations

import logging
import time

from syndb_service.broker import JobDispatcher
from syndb_service.domain.job_status import Reason
from syndb_service.domain.jobs import Failure, Job
from syndb_service.errors import ServiceError
from syndb_service.results import ResultStore
from syndb_service.runtime.background import BackgroundThread
from syndb_service.settings import Settings
from syndb_service.store import DATABASE_AWAY, JobStore
from syndb_service.store.job_tallies import CHUNK

log = logging.getLogger(__name__)

TALLIES = 20
"""Chunks of ended jobs that one sweep counts; there are so many only after an upgrade."""


class Sweeper:
    """Sweeps every ``sweep_s`` seconds in a thread of its own; several sweepers do no harm.

    After an outage of the database it leaves lapsed leases alone for the time of a lease: the workers that
    could not extend them live, and are about to.
    """

    def __init__(
        self, settings: Settings, store: JobStore, results: ResultStore, hints: JobDispatcher
    ) -> None:
        self._settings = settings
        self._store = store
        self._results = results
        self._hints = hints
        self._blind_until = 0.0
        self._next_orphans = 0.0
        self._strange = 0
        self._began_at = time.time()
        self._thread = BackgroundThread("sweeper", self._sweep_later)

    def start(self) -> None:
        """Start sweeping."""
        self._began_at = time.time()
        self._thread.start()

    def stop(self) -> None:
        """Stop sweeping."""
        self._thread.stop()

    def sweep(self) -> None:
        """Sweep once."""
        lapsed = self._store.maintenance.list_lapsed()
        if time.monotonic() >= self._blind_until:
            for job in lapsed:
                self.requeue(job)
        for job_id in self._store.maintenance.claim_undispatched(
            self._settings.hint_s, self._settings.max_workers
        ):
            sent = self._hints.dispatch(job_id)
            self._store.attempts.record_broker_outage(
                job_id, None if sent else self._hints.unavailable_reason
            )
        for job in self._store.maintenance.list_expired():
            if self._store.maintenance.mark_deleted(job) and job.result is not None:
                self._results.delete(job.result.key)
        for _ in range(TALLIES):
            if self._store.tallies.tally_ended() < CHUNK:
                break
        if time.monotonic() >= self._next_orphans:
            self._next_orphans = time.monotonic() + self._settings.orphan_sweep_s
            self._delete_orphans()

    def requeue(self, job: Job, *, lapsed: bool = True) -> None:
        """Requeue a job whose worker is gone, or fail it if that has happened too often.

        Parameters
        ----------
        job : Job
            As it was listed.
        lapsed : bool
            Whether its lease has to be over; False where its worker is known to have ended.
        """
        if job.cancel_requested:
            self._store.attempts.mark_cancelled(job, lapsed=lapsed)
        elif job.deaths + 1 < self._settings.max_deaths:
            if self._store.attempts.requeue(job, Reason.WORKER_LOST, death=True, lapsed=lapsed):
                self._hints.dispatch(job.job_id)
        else:
            failure = Failure(
                "worker_lost",
                f"the worker was lost in each of {job.deaths + 1} attempts",
                "It may need more memory than a job has: filter earlier or ask for less at a time.",
            )
            self._store.attempts.mark_failed(job, Reason.WORKER_LOST, failure, lapsed=lapsed)

    def _delete_orphans(self) -> None:
        """Remove files that no row speaks for: of fenced attempts, of destroyed results, of no job at all.

        Files are listed before rows are read: whatever is listed then has its row, or never gets one. Where
        more jobs are unknown here than known, the files are another service's, or the database is not the
        right one: they are left.
        """
        keys = dict(self._results.listing())
        known = self._store.maintenance.owned_files(keys)
        strange = len(keys) - len(known)
        if strange > len(known) and strange != self._strange:
            log.warning(
                "the result store holds files of %d jobs that this database does not know, and of %d that it "
                "knows; they are left: SYNDB_DATABASE_URL and SYNDB_RESULTS_URL may not belong together",
                strange,
                len(known),
            )
        self._strange = strange
        for job_id, of_job in keys.items():
            job = known.get(job_id)
            if job is None and strange > len(known):
                continue
            for key in of_job:
                if job is None or not job.owns(key):
                    log.info("removing %s, which belongs to no job", key)
                    size = self._results.size(key)
                    self._results.delete(key)
                    self._store.maintenance.count_orphan(size)

    def _sweep_later(self) -> None:
        """Sweep after a pause, and note what keeps workers from sending heartbeats."""
        if self._thread.wait(self._settings.sweep_s):
            return
        self._began_at, passed = time.time(), time.time() - self._began_at
        if passed > self._settings.sweep_s + self._settings.lease_s / 2:
            log.warning("this process slept for %.0f s; it waits for the heartbeats of its workers", passed)
            self._blind_until = time.monotonic() + self._settings.lease_s
        try:
            self.sweep()
        except ServiceError as error:
            log.warning("a sweep failed and is done again later: %s", error)
            if error.error_code == DATABASE_AWAY:
                self._blind_until = time.monotonic() + self._settings.lease_s
