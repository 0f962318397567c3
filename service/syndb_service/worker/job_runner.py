"""The job runner: claims pending jobs, starts a child process for each, monitors and finalizes it."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from syndb_service.domain.child_task import to_dict
from syndb_service.domain.jobs import Job, Progress
from syndb_service.errors import NotStored, TransientError, UsageError
from syndb_service.isolation.channel import FrameType
from syndb_service.isolation.fork_server_client import ForkServerClient
from syndb_service.result_integrity import Integrity
from syndb_service.results import ResultStore, ResultWriter
from syndb_service.retry import retry_until_stopped
from syndb_service.runtime.background import BackgroundThread
from syndb_service.runtime.temp_directory import make_temp_folder
from syndb_service.settings import Settings
from syndb_service.store import Database, JobStore
from syndb_service.warehouse import ProgressCallback
from syndb_service.worker.attempt_monitor import AttemptMonitor
from syndb_service.worker.attempt_outcome import UNFORESEEN, Failed, Succeeded, outcome_of_error
from syndb_service.worker.finalizer import Finalizer
from syndb_service.worker.lease_keeper import LeaseKeeper, LeaseRenewer
from syndb_service.worker.stage_timer import StageTimer
from syndb_service.worker.task_builder import TaskBuilder

log = logging.getLogger(__name__)

T = TypeVar("T")

CANCEL_POLL_S = 0.1
OUTAGE_RETRY_S = 0.5
PROGRESS_INTERVAL_S = 0.5


class JobRunner:
    """A runner of pending jobs, each in its own child process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: JobStore,
        results: ResultStore,
        fork_server: ForkServerClient,
        tasks: TaskBuilder,
        integrity: Integrity,
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._results = results
        self._fork_server = fork_server
        self._tasks = tasks
        self._integrity = integrity
        self._worker = f"{socket.gethostname()}/{os.getpid()}"
        self._finalizer = Finalizer(settings, database, store, results, self._retry_during_outage)
        self._stopping = threading.Event()
        self._heartbeat = LeaseRenewer(store, settings.lease_s, self._stopping)
        self._lock = threading.Lock()
        self._wakers: dict[int, str] = {}

    def run_pending(self, _job_id: str) -> None:
        """Run jobs until none is pending; the id of the job message is ignored."""
        while not self._stopping.is_set():
            stages = StageTimer()
            try:
                job = self._claim()
                if job is None:
                    return
                stages.record("claim")
                with self._heartbeat.hold(job) as lease:
                    self._run_job(job, stages, lease)
            except TransientError as error:
                log.warning("left to the sweeper: %s", error)
                return

    def on_job_changed(self, job_id: str) -> None:
        """Make the attempt of a running job check at once whether the job is cancelled."""
        self._heartbeat.wake(job_id)
        with self._lock:
            for waker, running_id in self._wakers.items():
                if running_id == job_id:
                    _wake(waker)

    def start_heartbeat(self) -> None:
        """Start to extend the leases of running attempts; call it before the first claim."""
        self._heartbeat.start()

    def start_cancel_polling(self) -> None:
        """Start to poll for cancel requests of other processes every ``CANCEL_POLL_S``, in one read."""
        BackgroundThread("cancel poller", self._poll_cancel_requests, self._stopping).start()

    def stop(self) -> None:
        """End all child processes; their jobs are requeued."""
        self._stopping.set()
        self._heartbeat.wake()
        with self._lock:
            for waker in self._wakers:
                _wake(waker)

    def close(self) -> None:
        """Stop extending leases; call it after the last attempt has ended."""
        self._heartbeat.stop()

    def _claim(self) -> Job | None:
        """Claim a job; if the connection broke at the commit, look up whether the claim was written."""
        claim = f"{self._worker}/{uuid.uuid4().hex[:12]}"
        try:
            return self._store.attempts.claim_next(self._settings.lease_s, claim)
        except TransientError as error:
            log.warning("no job claimed: %s", error)
            return self._retry_during_outage(lambda: self._store.attempts.find_claim(claim))

    def _run_job(self, job: Job, stages: StageTimer, lease: LeaseKeeper) -> None:
        extra = {"job_id": job.job_id, "attempt": job.attempt}
        log.info("job %s: attempt %d of a %s job", job.job_id, job.attempt, job.kind, extra=extra)
        temp_dir = self._settings.temp_path / f"{job.job_id}-{job.attempt}"
        try:
            self._run_attempt(job, temp_dir, stages, lease)
        except Exception as error:
            outcome = outcome_of_error(error)
            if isinstance(outcome, Failed) and outcome.failure is UNFORESEEN:
                log.exception("job %s: the job runner failed", job.job_id, extra=extra)
            self._finalizer.finalize(job, outcome)
        finally:
            shutil.rmtree(temp_dir, ignore_errors=True)

    def _run_attempt(self, job: Job, temp_dir: Path, stages: StageTimer, lease: LeaseKeeper) -> None:
        inputs = lease.during(lambda: self._tasks.resolve_inputs(job))
        if (
            job.request.reuse
            and inputs.identity
            and self._complete_from_earlier_result(job, inputs.identity, lease)
        ):
            return
        make_temp_folder(temp_dir)
        with (
            self._tasks.build(
                job, inputs, temp_dir, self._lease_progress_callback(lease), lease.check
            ) as prepared,
            self._open_writer(job, lease) as writer,
        ):
            job = replace(job, datasets=prepared.datasets)
            stages.record("prepare")
            with self._register_waker(job) as wake, self._fork_server.start_child() as child:
                stages.record("fork")
                with contextlib.suppress(BrokenPipeError):
                    child.frames.send(FrameType.TASK, to_dict(prepared.task))
                monitor = AttemptMonitor(self._settings, self._store, job, child, writer, wake, lease)
                outcome = monitor.run()
            shutil.rmtree(temp_dir, ignore_errors=True)
            if not isinstance(outcome, Succeeded):
                lease.clean_up(writer.abort)
            if isinstance(outcome, Failed) and outcome.may_lack_file:
                self._tasks.require_references(job)
            stages.record("engine")
            self._finalizer.finalize(job, outcome, writer, inputs.identity, stages, lease)

    @contextmanager
    def _open_writer(self, job: Job, lease: LeaseKeeper) -> Iterator[ResultWriter]:
        """Open a result writer; abort it at the end, unless it is finished or another thread uses it."""
        with ExitStack() as stack:
            writer = self._results.open_writer(job.job_id, job.attempt)
            stack.callback(lambda: None if lease.abandoned else writer.abort())
            yield writer

    def _complete_from_earlier_result(self, job: Job, identity: str, lease: LeaseKeeper) -> bool:
        """Complete a job with a copy of an earlier result; return False if there is no intact one."""
        earlier = self._store.attempts.find_reusable(job.owner, identity)
        if earlier is None or earlier.result is None:
            return False
        try:
            copied = lease.during(
                lambda: self._integrity.copy(earlier, job.job_id, job.attempt),
                lambda stored: None if stored is None else self._results.delete(stored.key),
            )
        except (UsageError, NotStored) as error:
            ids = (job.job_id, earlier.job_id, error)
            log.warning("job %s: the result of job %s can't be reused: %s", *ids)
            return False
        if copied is None:
            return False
        preview = self._store.previews.get_preview(earlier.job_id)
        if preview is not None:
            self._store.previews.put_preview(job, preview)
        origin = earlier.result.reused_from or earlier.job_id
        result = replace(copied, reused_from=origin)
        self._finalizer.complete(replace(job, datasets=earlier.datasets), result, identity)
        return True

    def _lease_progress_callback(self, lease: LeaseKeeper) -> ProgressCallback:
        """Return a callback that writes progress and checks for a cancel while datasets are fetched.

        The fraction of the files is part of the phase: the job's own fraction starts when its child runs.
        """
        reported_at = 0.0

        def on_progress(done: int, total: int) -> None:
            nonlocal reported_at
            lease.check()
            if time.monotonic() - reported_at < PROGRESS_INTERVAL_S:
                return
            reported_at = time.monotonic()
            share = f" ({done / total:.0%})" if total else ""
            progress = Progress(f"fetching datasets{share}", None, None, done)
            with contextlib.suppress(TransientError):
                lease.renew(progress)
            lease.check()

        return on_progress

    def _retry_during_outage(self, call: Callable[[], T]) -> T:
        """Retry a database call during an outage, until this process shuts down."""
        return retry_until_stopped(call, self._stopping, OUTAGE_RETRY_S)

    def _poll_cancel_requests(self) -> None:
        if self._stopping.wait(CANCEL_POLL_S):
            return
        job_ids = self._heartbeat.job_ids()
        if job_ids:
            for job_id in self._store.attempts.cancel_requests(job_ids):
                self.on_job_changed(job_id)

    @contextmanager
    def _register_waker(self, job: Job) -> Iterator[int]:
        read, write = os.pipe()
        os.set_blocking(write, False)
        with self._lock:
            self._wakers[write] = job.job_id
        if self._stopping.is_set():
            _wake(write)
        try:
            yield read
        finally:
            with self._lock:
                del self._wakers[write]
            os.close(read)
            os.close(write)


def _wake(fd: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.write(fd, b"w")
