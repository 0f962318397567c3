"""The end of an attempt: its one move, written down even through an outage of the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

from syndb_service.audit import audit
from syndb_service.domain.jobs import Failure, Job, Result
from syndb_service.domain.status import Reason
from syndb_service.errors import TransientError
from syndb_service.lease import Lease, LeaseEndedError
from syndb_service.results import ResultStore, ResultWriter
from syndb_service.settings import Settings
from syndb_service.stages import Stages
from syndb_service.store import Database, JobStore
from syndb_service.watch import Died, Done, Ended, Failed, Outcome

log = logging.getLogger(__name__)

T = TypeVar("T")


class Persist(Protocol):
    """Does a call on the database, again and again while it is away."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what the call returned."""
        ...


class Conclusion:
    """Moves the row when nothing of an attempt runs or lies about any more.

    Parameters
    ----------
    persist : callable
        Does a move through outages of the database. A move that was done twice changes nothing the
        second time: it names the attempt, which then no longer has the job.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: JobStore,
        results: ResultStore,
        persist: Persist,
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._results = results
        self._persist = persist

    def of(
        self,
        job: Job,
        outcome: Outcome,
        writer: ResultWriter | None = None,
        identity: str | None = None,
        stages: Stages | None = None,
        lease: Lease | None = None,
    ) -> None:
        """Conclude an attempt; the log says where its time went.

        ``identity`` is what its result is found by, to be used again.
        """
        stages = stages or Stages()
        if isinstance(outcome, Done) and writer is not None:
            lease = lease or Lease(job, threading.Event())
            outcome = self._finish(job, outcome, writer, identity, stages, lease)
        if isinstance(outcome, Failed):
            self._persist(lambda: self._store.fail(job, outcome.reason, outcome.failure))
        elif isinstance(outcome, Died):
            self._bury(job, outcome.status)
        elif isinstance(outcome, Ended) and outcome.why == "cancelled":
            self._persist(lambda: self._store.confirm_cancel(job))
        elif isinstance(outcome, Ended) and outcome.why == "stopped":
            self._give_back(job)
        if isinstance(outcome, Done | Failed | Died) or outcome.why == "cancelled":
            _audit(job, outcome)
        stages.lap("commit")
        extra = {"job_id": job.job_id, "attempt": job.attempt, "stages": stages.seconds}
        log.info("job %s: attempt %d ended: %s", job.job_id, job.attempt, outcome, extra=extra)

    def _give_back(self, job: Job) -> None:
        if not self._store.requeue(job, Reason.QUEUED):
            self._store.confirm_cancel(job)

    def of_outage(self, job: Job, error: TransientError) -> None:
        """Give the job back until the part that is away has returned; this doesn't count against it."""
        log.warning("job %s: attempt %d met an outage: %s", job.job_id, job.attempt, error)
        if job.outages >= self._settings.max_outages:
            failure = Failure(error.error_code, error.message, error.hint, retryable=True)
            self._persist(lambda: self._store.fail(job, Reason.STORE_UNAVAILABLE, failure))
            return
        waiting = error.public_message

        def give_back() -> bool:
            return self._store.requeue(job, Reason.STORE_UNAVAILABLE, outage=True, waiting=waiting)

        if not self._persist(give_back):
            self._persist(lambda: self._store.confirm_cancel(job))

    def complete(self, job: Job, result: Result, identity: str | None) -> Ended | None:
        """Complete a job with a result that is stored under its own key; remove that if it came too late.

        Returns
        -------
        Ended or None
            Why it came too late.
        """
        if self._persist(lambda: self._make_visible(job, result, identity)):
            return None
        log.warning("job %s: attempt %d came too late with its result", job.job_id, job.attempt)
        self._results.delete(result.key)
        cancelled = self._persist(lambda: self._store.confirm_cancel(job))
        return Ended("cancelled" if cancelled else "lost")

    def _finish(
        self,
        job: Job,
        done: Done,
        writer: ResultWriter,
        identity: str | None,
        stages: Stages,
        lease: Lease,
    ) -> Done | Ended:
        lease.note(self._persist(lambda: self._store.beat(job, self._settings.lease_s)))
        stages.lap("beat")
        try:
            stored = lease.during(writer.finish, lambda late: self._results.delete(late.key))
        except LeaseEndedError as ended:
            if not lease.abandoned:
                lease.clean_up(writer.abort)
            return Ended(ended.why)
        stages.lap("result")
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
        if done.parts:
            first, *others = done.parts
            result = replace(result, bytes=first.bytes, sha256=first.sha256, parts=tuple(others))
        read = {each: seen for each, seen in (job.datasets or {}).items() if each in done.datasets}
        job = replace(job, datasets=read)
        return self.complete(job, result, identity) or done

    def _make_visible(self, job: Job, result: Result, identity: str | None) -> bool:
        """Complete the job; where a connection broke at the commit, the second try finds it completed."""
        ttl = timedelta(hours=self._settings.result_ttl_hours)
        if self._store.complete(job, result, self._database.now() + ttl, identity):
            return True
        return self._store.get(job.job_id).result == result

    def _bury(self, job: Job, status: int) -> None:
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        if job.deaths + 1 < self._settings.max_deaths:
            log.warning("job %s: its process ended %s and is started again", job.job_id, how)
            if not self._persist(lambda: self._store.requeue(job, Reason.WORKER_LOST, death=True)):
                self._persist(lambda: self._store.confirm_cancel(job))
            return
        failure = Failure(
            "worker_lost",
            f"the job's process ended {how} in the last of {job.deaths + 1} attempts that died",
            "It may need more memory than a job has: filter earlier or ask for less at a time.",
        )
        self._persist(lambda: self._store.fail(job, Reason.WORKER_LOST, failure))


def _audit(job: Job, outcome: Outcome) -> None:
    reason = outcome.reason if isinstance(outcome, Failed) else None
    told = {Done: "done", Failed: "failed", Died: "died", Ended: "cancelled"}[type(outcome)]
    datasets = ",".join(job.datasets or ()) or None
    audit(
        job.owner,
        "job attempt ended",
        told,
        job_id=job.job_id,
        attempt=job.attempt,
        reason=reason,
        datasets=datasets,
    )


UNFORESEEN = Failure(
    "engine_failure",
    "the service failed while it ran the job",
    "This is a defect of the service, and it is in its log. A rerun may help.",
    retryable=True,
)
