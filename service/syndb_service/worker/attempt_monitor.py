"""The monitor of one child process: its frames, the lease, and the conditions that end the attempt."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import time
from dataclasses import replace
from typing import Any

from syndb_service.domain.child_task import TaskDone
from syndb_service.domain.job_status import Kind, Reason
from syndb_service.domain.jobs import Failure, Job, Progress
from syndb_service.domain.message_codec import decode_message
from syndb_service.domain.result_parts import PartSplitter
from syndb_service.errors import TransientError
from syndb_service.isolation.channel import MAX_PREVIEW_BYTES, FrameType, wait_readable
from syndb_service.isolation.fork_server_client import ChildProcess
from syndb_service.results import ResultWriter
from syndb_service.settings import Settings
from syndb_service.sql.query_limits import MAX_COLUMNS
from syndb_service.store import JobStore
from syndb_service.text.truncation import shorten_columns
from syndb_service.worker.attempt_outcome import Aborted, Crashed, Failed, Outcome, Succeeded
from syndb_service.worker.lease_keeper import LeaseKeeper

log = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 0.25
OUTAGE_RETRY_S = 0.5
EXIT_S = 5.0
WRITE_TIMEOUT_S = 0.1
REASONS = frozenset(str(reason) for reason in Reason)


class AttemptMonitor:
    """A monitor of one child process, from its start to the end of the attempt."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        job: Job,
        child: ChildProcess,
        writer: ResultWriter,
        wake: int,
        lease: LeaseKeeper,
    ) -> None:
        self._settings = settings
        self._store = store
        self._job = job
        self._child = child
        self._writer = writer
        self._wake = wake
        self._lease = lease
        self._progress: Progress | None = None
        self._last_progress = Progress("starting")
        self._preview: bytes | None = None
        self._parts = PartSplitter()
        now = time.monotonic()
        self._limit_s = job.request.time_limit_s or self._settings.time_limit_s
        self._deadline = now + self._limit_s
        self._next_heartbeat = now + self._settings.lease_s / 3
        self._next_progress = now

    def run(self) -> Outcome:
        """Monitor the child until the attempt ends; return its outcome."""
        outcome = self._check_cancelled()
        while outcome is None:
            outcome = self._wait_once()
        return outcome

    def _wait_once(self) -> Outcome | None:
        now = self._lease.active_at = time.monotonic()
        if now >= self._deadline:
            return self._time_limit_exceeded()
        if now >= self._next_heartbeat or (self._progress is not None and now >= self._next_progress):
            outcome = self._heartbeat(now)
            if outcome is not None:
                return outcome
        until = min(self._deadline, self._next_heartbeat)
        if self._progress is not None:
            until = min(until, self._next_progress)
        ready = wait_readable([self._child.frames.fileno(), self._wake], until - now)
        if self._wake in ready:
            os.read(self._wake, 512)
            outcome = self._check_cancelled()
            if outcome is not None:
                return outcome
        if self._child.frames.fileno() in ready and self._writer.wait_writable(WRITE_TIMEOUT_S):
            return self._handle_frames()
        return None

    def _handle_frames(self) -> Outcome | None:
        for kind, payload in self._child.frames.receive():
            if kind is FrameType.DATA:
                if self._writer.bytes + len(payload) > self._settings.max_result_bytes:
                    return self._result_too_large()
                self._writer.write(payload)
                self._parts.feed(payload)
            elif kind is FrameType.PART:
                self._parts.begin(json.loads(payload))
            elif kind is FrameType.PREVIEW:
                self._preview = payload if len(payload) <= MAX_PREVIEW_BYTES else None
                self._store_preview()
            elif kind is FrameType.PROGRESS:
                self._progress = self._last_progress = Progress.from_dict(json.loads(payload))
            elif kind is FrameType.FAILURE:
                return _failure_outcome(json.loads(payload))
            elif kind is FrameType.DONE:
                return self._on_done(json.loads(payload))
        return self._outcome_of_exit(self._child.wait(EXIT_S)) if self._child.frames.ended else None

    def _store_preview(self) -> None:
        """Store the preview; during an outage of the database, leave it to the next heartbeat."""
        if self._preview is not None:
            with contextlib.suppress(TransientError):
                self._store.previews.put_preview(self._job, self._preview)
                self._preview = None

    def _on_done(self, answer: dict[str, Any]) -> Outcome:
        status = self._child.wait(EXIT_S)
        if status != 0:
            return self._outcome_of_exit(status)
        done = decode_message(TaskDone, answer)
        columns = tuple(map(tuple, shorten_columns(done.columns[:MAX_COLUMNS])))
        return Succeeded(replace(done, columns=columns), self._parts.finished_parts())

    def _heartbeat(self, now: float) -> Outcome | None:
        try:
            reason = self._lease.renew(self._progress)
        except TransientError as error:
            self._defer_heartbeat(now, error)
            return None
        self._progress = None
        self._store_preview()
        self._next_progress = now + PROGRESS_INTERVAL_S
        self._next_heartbeat = now + self._settings.lease_s / 3
        return None if reason is None else Aborted(reason)

    def _check_cancelled(self) -> Outcome | None:
        reason = self._lease.check_row()
        return None if reason is None else Aborted(reason)

    def _defer_heartbeat(self, now: float, error: TransientError) -> None:
        """Let the child continue during an outage of the database: no other worker can claim the job then."""
        log.warning("job %s: no heartbeat: %s", self._job.job_id, error)
        self._next_heartbeat = self._next_progress = now + OUTAGE_RETRY_S

    def _time_limit_exceeded(self) -> Failed:
        return Failed(
            Reason.TIME_LIMIT,
            Failure(
                "time_limit",
                f"the job ran for its time limit of {self._limit_s:g} s and was ended",
                "Give it more time with time_limit_s "
                f"(at most {self._settings.max_time_limit_s:g}), or ask for less.",
            ),
        )

    def _outcome_of_exit(self, status: int) -> Failed | Crashed:
        """Return `Failed` if the limit on processor time ended the child, which a retry would hit again."""
        if status != -signal.SIGXCPU:
            return Crashed(status)
        return Failed(
            Reason.TIME_LIMIT,
            Failure(
                "time_limit",
                f"the job used the processor time of its time limit of {self._limit_s:g} s "
                f"on {self._settings.threads} threads and was ended",
                "Give it more time with time_limit_s "
                f"(at most {self._settings.max_time_limit_s:g}), or ask for less.",
            ),
        )

    def _result_too_large(self) -> Failed:
        limit, rows, fraction = (
            self._settings.max_result_bytes,
            self._last_progress.rows,
            self._last_progress.fraction,
        )
        size_so_far = "" if rows is None else f"; it had come to {rows:,} rows"
        if rows and fraction:
            size_so_far += f", {100 * fraction:.2g} % of the work"
        hint = "Select fewer columns, filter by dataset_id, aggregate, or fetch it in parts."
        if self._job.kind is Kind.GRAPH:
            hint = "Ask for a single analysis, for fewer hubs or for fewer neurons."
        elif rows:
            hint = f"Fewer than {rows:,} such rows fit. {hint}"
        return Failed(
            Reason.RESULT_TOO_LARGE,
            Failure(
                "result_too_large",
                f"the result is larger than the {limit:,} bytes that are kept{size_so_far}",
                hint,
            ),
        )


def _failure_outcome(answer: dict[str, Any]) -> Failed:
    code = answer["code"]
    reason = Reason(code) if code in REASONS else Reason.ENGINE_FAILURE
    return Failed(reason, Failure.from_dict(answer))
