"""The scrubber: compares stored results with their rows, hashes them, and marks damaged or lost ones."""

from __future__ import annotations

import logging
import time
import uuid
from math import inf
from typing import Final

from syndb_service.domain.job_status import Reason
from syndb_service.domain.jobs import Job
from syndb_service.errors import NotStored, TransientError
from syndb_service.result_integrity import Integrity
from syndb_service.results import FileState, ResultStore
from syndb_service.runtime.background import BackgroundThread, EndOfRounds
from syndb_service.settings import Settings
from syndb_service.store import JobStore

log = logging.getLogger(__name__)

CHECK_S: Final = 5.0
ROUND_PAUSE_S: Final = 86400.0


class Scrubber:
    """A thread that compares the size and state of each stored result with its row every ``scrub_s`` seconds.

    In between it hashes the results one by one, each at most once a day, at up to ``scrub_bytes_s`` bytes a
    second. It starts at a random job id, so that each result is reached even if the process restarts often.
    One worker scrubs at a time. A result that was damaged or lost and is intact again (a disk was mounted, a
    backup restored) becomes available again.
    """

    def __init__(
        self, settings: Settings, store: JobStore, results: ResultStore, integrity: Integrity
    ) -> None:
        self._settings = settings
        self._store = store
        self._results = results
        self._integrity = integrity
        self._reached = str(uuid.uuid4())
        self._is_whole_round = False
        self._next_round = 0.0
        self._thread = BackgroundThread("scrubber", self._round)

    def start(self) -> None:
        """Start to scrub."""
        self._thread.start()

    def stop(self) -> None:
        """Stop scrubbing."""
        self._thread.stop()

    def compare_results(self, deadline: float = inf) -> None:
        """Compare each stored result with its row once, and hash those that differ until the deadline."""
        states = dict(self._results.states())
        reached = ""
        differing: list[Job] = []
        while jobs := self._store.maintenance.list_results_after(reached):
            reached = jobs[-1].job_id
            differing += [job for job in jobs if self._differs(job, states)]
        for job in differing if self._settings.scrub_bytes_s else ():
            if time.monotonic() >= deadline:
                return
            try:
                self._scrub(job)
            except TransientError as error:
                log.warning("job %s: its stored result is checked again later: %s", job.job_id, error)

    def hash_until(self, deadline: float) -> None:
        """Hash results, from where the last call ended, until a deadline of the monotonic clock.

        After all results are hashed, the next round starts ``ROUND_PAUSE_S`` seconds later.
        """
        while max(time.monotonic(), self._next_round) < deadline:
            jobs = self._store.maintenance.list_results_after(self._reached, 20)
            if not jobs:
                self._next_round = time.monotonic() + ROUND_PAUSE_S if self._is_whole_round else 0.0
                self._reached, self._is_whole_round = "", True
            for job in jobs:
                if time.monotonic() >= deadline:
                    return
                self._reached = job.job_id  # first: an unreadable file must not block the others
                self._scrub(job)

    def _differs(self, job: Job, states: dict[str, FileState]) -> bool:
        """Return whether a file must be hashed; mark it at once if it is lost or has another size."""
        if job.result is None:
            return False
        found = states.get(job.result.key)
        try:
            found = found or self._results.state(job.result.key)  # newer than the listing, or lost
        except NotStored:
            self._integrity.note(job, Reason.RESULT_LOST)
            return False
        if found.bytes != job.result.stored_bytes:
            self._integrity.note(job, Reason.RESULT_DAMAGED)
            return False
        return job.reason is not None or found.state != job.result.state

    def _scrub(self, job: Job) -> None:
        try:
            self._integrity.scrub(job, self._pace)
        except NotStored:
            self._integrity.note(job, Reason.RESULT_LOST)

    def _pace(self, size: int) -> None:
        if self._thread.wait(size / self._settings.scrub_bytes_s):
            raise EndOfRounds

    def _round(self) -> None:
        if self._thread.wait(min(CHECK_S, self._settings.scrub_s)):
            raise EndOfRounds
        if not self._store.maintenance.claim_scrub(self._settings.scrub_s):
            return
        deadline = time.monotonic() + self._settings.scrub_s
        self.compare_results(deadline)
        if self._settings.scrub_bytes_s:
            self.hash_until(deadline)
