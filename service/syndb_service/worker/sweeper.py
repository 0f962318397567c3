"""The sweeper: requeues jobs of lost workers, resends job messages, deletes expired results and orphans."""

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
from syndb_service.store import JobStore
from syndb_service.store.database import DATABASE_UNAVAILABLE
from syndb_service.store.job_tallies import CHUNK

log = logging.getLogger(__name__)

MAX_TALLY_CHUNKS = 20
"""Maximum number of chunks of ended jobs that one sweep counts; it is reached only after an upgrade."""


class Sweeper:
    """A thread that sweeps every ``sweep_s`` seconds; several processes may run one.

    After an outage of the database it ignores lapsed leases for the length of a lease: their workers
    could not extend them during the outage.
    """

    def __init__(
        self, settings: Settings, store: JobStore, results: ResultStore, dispatcher: JobDispatcher
    ) -> None:
        self._settings = settings
        self._store = store
        self._results = results
        self._dispatcher = dispatcher
        self._ignore_lapsed_until = 0.0
        self._next_orphans = 0.0
        self._unknown = 0
        self._began_at = time.time()
        self._thread = BackgroundThread("sweeper", self._sweep_later)

    def start(self) -> None:
        """Start to sweep."""
        self._began_at = time.time()
        self._thread.start()

    def stop(self) -> None:
        """Stop sweeping."""
        self._thread.stop()

    def sweep(self) -> None:
        """Sweep once."""
        lapsed = self._store.maintenance.list_lapsed()
        if time.monotonic() >= self._ignore_lapsed_until:
            for job in lapsed:
                self.requeue(job)
        for job_id in self._store.maintenance.claim_undispatched(
            self._settings.hint_s, self._settings.max_workers
        ):
            sent = self._dispatcher.dispatch(job_id)
            self._store.attempts.record_broker_outage(
                job_id, None if sent else self._dispatcher.unavailable_reason
            )
        for job in self._store.maintenance.list_expired():
            if self._store.maintenance.mark_deleted(job) and job.result is not None:
                self._results.delete(job.result.key)
        for _ in range(MAX_TALLY_CHUNKS):
            if self._store.tallies.tally_ended() < CHUNK:
                break
        if time.monotonic() >= self._next_orphans:
            self._next_orphans = time.monotonic() + self._settings.orphan_sweep_s
            self._delete_orphans()

    def requeue(self, job: Job, *, lapsed: bool = True) -> None:
        """Requeue a job whose worker was lost; fail it after ``max_deaths`` lost attempts.

        Parameters
        ----------
        job : Job
            The job as it was listed.
        lapsed : bool
            Whether its lease must be over; False if its worker is known to have exited.
        """
        if job.cancel_requested:
            self._store.attempts.mark_cancelled(job, lapsed=lapsed)
        elif job.deaths + 1 < self._settings.max_deaths:
            if self._store.attempts.requeue(job, Reason.WORKER_LOST, death=True, lapsed=lapsed):
                self._dispatcher.dispatch(job.job_id)
        else:
            failure = Failure(
                "worker_lost",
                f"the worker was lost in each of {job.deaths + 1} attempts",
                "It may need more memory than a job has: filter earlier or ask for less at a time.",
            )
            self._store.attempts.mark_failed(job, Reason.WORKER_LOST, failure, lapsed=lapsed)

    def _delete_orphans(self) -> None:
        """Delete files without a row: of fenced attempts, of deleted results, of unknown jobs.

        Files are listed before rows are read, so that a listed file has its row by then or never gets one.
        If more jobs are unknown than known, the files belong to another service or the database is the wrong
        one: the files are kept.
        """
        keys = dict(self._results.listing())
        known = self._store.maintenance.owned_files(keys)
        unknown = len(keys) - len(known)
        if unknown > len(known) and unknown != self._unknown:
            log.warning(
                "the result store holds files of %d jobs that this database does not know, and of %d that it "
                "knows; they are left: SYNDB_DATABASE_URL and SYNDB_RESULTS_URL may not belong together",
                unknown,
                len(known),
            )
        self._unknown = unknown
        for job_id, job_keys in keys.items():
            job = known.get(job_id)
            if job is None and unknown > len(known):
                continue
            for key in job_keys:
                if job is None or not job.owns(key):
                    log.info("removing %s, which belongs to no job", key)
                    size = self._results.size(key)
                    self._results.delete(key)
                    self._store.maintenance.count_orphan(size)

    def _sweep_later(self) -> None:
        """Sweep after a pause; after a sleep of the machine or an outage, ignore lapsed leases at first."""
        if self._thread.wait(self._settings.sweep_s):
            return
        self._began_at, passed = time.time(), time.time() - self._began_at
        if passed > self._settings.sweep_s + self._settings.lease_s / 2:
            log.warning("this process slept for %.0f s; it waits for heartbeats of the workers", passed)
            self._ignore_lapsed_until = time.monotonic() + self._settings.lease_s
        try:
            self.sweep()
        except ServiceError as error:
            log.warning("a sweep failed and is repeated later: %s", error)
            if error.error_code == DATABASE_UNAVAILABLE:
                self._ignore_lapsed_until = time.monotonic() + self._settings.lease_s
