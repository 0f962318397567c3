"""The finalizer: writes the outcome of an attempt to the row and the result store, also during outages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar, assert_never

from syndb_service.audit import audit
from syndb_service.domain.job_status import Reason
from syndb_service.domain.jobs import Failure, Job, Result
from syndb_service.errors import TransientError
from syndb_service.results import ResultStore, ResultWriter
from syndb_service.settings import Settings
from syndb_service.store import Database, JobStore
from syndb_service.worker.attempt_outcome import (
    Aborted,
    AbortReason,
    AttemptAborted,
    Crashed,
    Failed,
    Outcome,
    Succeeded,
    Unavailable,
)
from syndb_service.worker.lease_keeper import LeaseKeeper
from syndb_service.worker.stage_timer import StageTimer

log = logging.getLogger(__name__)

T = TypeVar("T")


class RetryDuringOutage(Protocol):
    """A retry policy: repeats a database call during an outage."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Repeat the call until the database responds; return its value."""
        ...


class Finalizer:
    """Writes the outcome of an attempt, after its child has exited and its temporary files are deleted.

    Parameters
    ----------
    persist : callable
        Repeats a transition during outages of the database. Repeating a transition that was committed
        changes nothing: it names the attempt, which no longer owns the job.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: JobStore,
        results: ResultStore,
        persist: RetryDuringOutage,
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._results = results
        self._persist = persist

    def finalize(
        self,
        job: Job,
        outcome: Outcome,
        writer: ResultWriter | None = None,
        identity: str | None = None,
        stages: StageTimer | None = None,
        lease: LeaseKeeper | None = None,
    ) -> None:
        """Write the outcome of an attempt, and log it with the seconds per stage.

        ``identity`` is the digest by which later jobs find the result to reuse it.
        """
        stages = stages or StageTimer()
        if isinstance(outcome, Succeeded) and writer is not None:
            lease = lease or LeaseKeeper(job, self._store, self._settings.lease_s, threading.Event())
            outcome = self._commit_result(job, outcome, writer, identity, stages, lease)
        match outcome:
            case Succeeded():
                _audit(job, "done")
            case Failed(reason, failure):
                self._persist(lambda: self._store.attempts.mark_failed(job, reason, failure))
                _audit(job, "failed", reason)
            case Crashed(exit_status):
                self._handle_crash(job, exit_status)
                _audit(job, "died")
            case Aborted(abort_reason):
                self._abort(job, abort_reason)
            case Unavailable(error):
                self._requeue_after_outage(job, error)
                return
            case _:
                assert_never(outcome)
        stages.record("commit")
        extra = {"job_id": job.job_id, "attempt": job.attempt, "stages": stages.seconds}
        log.info("job %s: attempt %d ended: %s", job.job_id, job.attempt, outcome, extra=extra)

    def _abort(self, job: Job, reason: AbortReason) -> None:
        match reason:
            case AbortReason.CANCELLED:
                self._persist(lambda: self._store.attempts.mark_cancelled(job))
                _audit(job, "cancelled")
            case AbortReason.SHUTDOWN:
                self._requeue(job)
            case AbortReason.LEASE_LOST:
                log.warning("job %s: attempt %d has lost its lease", job.job_id, job.attempt)
            case _:
                assert_never(reason)

    def _requeue(self, job: Job) -> None:
        if not self._store.attempts.requeue(job, Reason.QUEUED):
            self._store.attempts.mark_cancelled(job)

    def _requeue_after_outage(self, job: Job, error: TransientError) -> None:
        """Requeue the job after an outage, or fail it after ``max_outages``; the attempt is no crash."""
        log.warning("job %s: attempt %d ended by an outage: %s", job.job_id, job.attempt, error)
        if job.outages >= self._settings.max_outages:
            failure = Failure.from_error(error)
            self._persist(lambda: self._store.attempts.mark_failed(job, Reason.STORE_UNAVAILABLE, failure))
            return
        waiting = error.public_message

        def requeue() -> bool:
            return self._store.attempts.requeue(job, Reason.STORE_UNAVAILABLE, outage=True, waiting=waiting)

        if not self._persist(requeue):
            self._persist(lambda: self._store.attempts.mark_cancelled(job))

    def complete(self, job: Job, result: Result, identity: str | None) -> Aborted | None:
        """Complete a job with a result that is stored under its own key; delete that if it is too late.

        Returns
        -------
        Aborted or None
            The abort reason if the attempt no longer owned the job or was cancelled.
        """
        if self._persist(lambda: self._mark_completed(job, result, identity)):
            return None
        log.warning("job %s: attempt %d was too late with its result", job.job_id, job.attempt)
        self._results.delete(result.key)
        cancelled = self._persist(lambda: self._store.attempts.mark_cancelled(job))
        return Aborted(AbortReason.CANCELLED if cancelled else AbortReason.LEASE_LOST)

    def _commit_result(
        self,
        job: Job,
        outcome: Succeeded,
        writer: ResultWriter,
        identity: str | None,
        stages: StageTimer,
        lease: LeaseKeeper,
    ) -> Succeeded | Aborted:
        self._persist(lease.renew)
        stages.record("beat")
        try:
            stored = lease.during(writer.finish, lambda late: self._results.delete(late.key))
        except AttemptAborted as aborted:
            if not lease.abandoned:
                lease.clean_up(writer.abort)
            return Aborted(aborted.reason)
        stages.record("result")
        done = outcome.done
        kind = job.request.format if job.request.query is not None else "json"
        result = Result(
            stored.key,
            kind,
            stored.bytes,
            done.rows,
            done.columns,
            stored.sha256,
            done.truncated,
            state=stored.state,
        )
        if outcome.parts:
            first, *others = outcome.parts
            result = replace(result, bytes=first.bytes, sha256=first.sha256, parts=tuple(others))
        visibility = {key: value for key, value in (job.datasets or {}).items() if key in done.dataset_ids}
        job = replace(job, datasets=visibility)
        return self.complete(job, result, identity) or outcome

    def _mark_completed(self, job: Job, result: Result, identity: str | None) -> bool:
        """Complete the job; a retry after a connection that broke at the commit finds it completed."""
        ttl = timedelta(hours=self._settings.result_ttl_hours)
        if self._store.attempts.mark_completed(job, result, self._database.now() + ttl, identity):
            return True
        return self._store.get(job.job_id).result == result

    def _handle_crash(self, job: Job, status: int) -> None:
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        if job.deaths + 1 < self._settings.max_deaths:
            log.warning("job %s: its process ended %s; the job restarts", job.job_id, how)
            if not self._persist(lambda: self._store.attempts.requeue(job, Reason.WORKER_LOST, death=True)):
                self._persist(lambda: self._store.attempts.mark_cancelled(job))
            return
        failure = Failure(
            "worker_lost",
            f"the job's process ended {how} in the last of {job.deaths + 1} attempts that died",
            "It may need more memory than a job has: filter earlier or ask for less at a time.",
        )
        self._persist(lambda: self._store.attempts.mark_failed(job, Reason.WORKER_LOST, failure))


def _audit(job: Job, outcome: str, reason: Reason | None = None) -> None:
    datasets = ",".join(job.datasets or ()) or None
    audit(
        job.owner,
        "job attempt ended",
        outcome,
        job_id=job.job_id,
        attempt=job.attempt,
        reason=reason,
        datasets=datasets,
    )
