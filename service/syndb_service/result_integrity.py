"""Integrity of stored results: checked at every read, with the outcome in the job's row."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from syndb_service.audit import audit
from syndb_service.domain.job_status import Reason
from syndb_service.domain.jobs import Job, Result
from syndb_service.domain.result_availability import lost, result_damaged, result_unavailable
from syndb_service.errors import NotStored, TransientError, UsageError
from syndb_service.results import FileState, OpenedResult, ResultStore
from syndb_service.store import JobStore

log = logging.getLogger(__name__)

HASHING_S: Final = 15.0
"""Seconds that a read waits for another thread to hash the same file; then it fails as transient."""

Pace = Callable[[int], None]
Found = Literal[Reason.RESULT_DAMAGED, Reason.RESULT_LOST] | None
MESSAGES: Final[dict[Found, str]] = {
    None: "is intact again",
    Reason.RESULT_DAMAGED: "has changed since it was written",
    Reason.RESULT_LOST: "is missing",
}


class Integrity:
    """Opens stored results, and rejects files that have changed since they were written.

    A file whose size and state (a folder's times, S3's ETag) are those of the row is intact, which costs
    nothing to check. If the state differs (a restored backup, a write to the file), the file is hashed before
    its first byte is returned, and the row gets the new state if the hash matches. Damage is reported in the
    log, the audit log and the job's ``reason``.

    Parameters
    ----------
    store : JobStore
        The jobs.
    results : ResultStore
        Their files.
    """

    def __init__(self, store: JobStore, results: ResultStore) -> None:
        self._store = store
        self._results = results
        self._lock = threading.Lock()
        self._hashing: dict[str, _Hashing] = {}

    def open(self, job: Job, start: int = 0, stop: int | None = None) -> OpenedResult:
        """Open the file of a job's result, whole or from byte ``start`` to ``stop`` (exclusive).

        Raises
        ------
        Damaged, Lost
            If the content of the file has changed, or the file is missing.
        TransientError
            If the store is unavailable.
        """
        result = _result(job)
        try:
            opened = self._results.open(result.key, start, stop)
        except NotStored as error:
            raise self._lost(job, error) from error
        try:
            self._require(job, FileState(opened.size, opened.state or ""))
        except BaseException:
            opened.close()
            raise
        return opened

    def require(self, job: Job) -> None:
        """Require that the file of a job's result is intact.

        Raises
        ------
        Damaged, Lost
            If the content of the file has changed, or the file is missing.
        TransientError
            If the store is unavailable.
        """
        try:
            found = self._results.state(_result(job).key)
        except NotStored as error:
            raise self._lost(job, error) from error
        self._require(job, found)

    def link(self, job: Job, filename: str, media_type: str, seconds: int) -> str | None:
        """Return a URL of the store that serves a result for ``seconds``; None if the store has no URLs.

        Raises
        ------
        Damaged, Lost, TransientError
            As :meth:`require`.
        """
        try:
            link = self._results.redirect(_result(job).key, filename, media_type, seconds)
        except NotStored as error:
            raise self._lost(job, error) from error
        if link is not None:
            self.require(job)
        return link

    def scrub(self, job: Job, pace: Pace) -> bool:
        """Hash a file for any state in the store, correct its row, and return whether the file is intact.

        Parameters
        ----------
        job : Job
            A job whose result is not destroyed.
        pace : callable
            Called with the bytes of each read; it waits to keep the rate of the scrubber.

        Raises
        ------
        NotStored
            If the file is missing.
        TransientError
            If the store is unavailable.
        """
        result = _result(job)
        found = self._results.state(result.key)
        is_right = found.bytes == result.stored_bytes and self._digests_match(result, pace)
        if is_right:
            self._keep_state(job, found.state)
        self.note(job, None if is_right else Reason.RESULT_DAMAGED)
        return is_right

    def copy(self, job: Job, job_id: str, attempt: int) -> Result | None:
        """Copy an intact result for another attempt; return None if it is missing.

        Raises
        ------
        Damaged, Lost, TransientError
            As :meth:`require`.
        """
        self.require(job)
        result = _result(job)
        copied = self._results.copy(result.key, job_id, attempt)
        if copied is None:
            return None
        if self._results.path(result.key) is not None:  # a hard link changes the file's times
            self._keep_state(job, self._results.state(result.key).state)
        return replace(result, key=copied, state=self._results.state(copied).state)

    def note(self, job: Job, found: Found) -> None:
        """Record in a job's row that its file is damaged, lost or intact (None); log each change once."""
        key = _result(job).key
        if not self._store.maintenance.note_file(job.job_id, key, found):
            return
        level = logging.WARNING if found is None else logging.ERROR
        extra = {"job_id": job.job_id}
        log.log(
            level, "job %s: the file %s in the result store %s", job.job_id, key, MESSAGES[found], extra=extra
        )
        audit(job.owner, "result in the store", found or "intact", job_id=job.job_id)

    def _require(self, job: Job, found: FileState) -> None:
        result = _result(job)
        is_right = found.bytes == result.stored_bytes
        if is_right and found.state != result.state:
            with self._hash_lock(result.key):
                present = self._store.get(job.job_id).result
                is_checked = present is not None and present.state == found.state
                is_right = is_checked or self._digests_match(result)
                if is_right:
                    self._keep_state(job, found.state)
        if is_right:
            return
        if self._deletion_error(job) is None:
            self.note(job, Reason.RESULT_DAMAGED)
        raise self._deletion_error(job) or result_damaged(job)

    @contextmanager
    def _hash_lock(self, key: str) -> Iterator[None]:
        """Let one thread at a time hash a file; reads of other files do not wait.

        Raises
        ------
        TransientError
            If another thread holds the lock for more than ``HASHING_S`` seconds.
        """
        with self._lock:
            hashing = self._hashing.setdefault(key, _Hashing())
            hashing.users += 1
        try:
            if not hashing.lock.acquire(timeout=HASHING_S):
                raise TransientError(
                    "this result is being compared with its checksum",
                    code="store_unavailable",
                    hint="Try again in a moment.",
                )
            try:
                yield
            finally:
                hashing.lock.release()
        finally:
            with self._lock:
                hashing.users -= 1
                if not hashing.users:
                    del self._hashing[key]

    def _digests_match(self, result: Result, pace: Pace | None = None) -> bool:
        try:
            with self._results.open(result.key) as opened:
                left = memoryview(b"")
                for size, sha256 in result.stretches:
                    digest = hashlib.sha256()
                    while size:
                        if not left:
                            left = memoryview(next(opened.chunks, b""))
                            if not left:
                                return False
                            if pace is not None:
                                pace(len(left))
                        digest.update(left[:size])
                        size, left = size - len(left[:size]), left[size:]
                    if digest.hexdigest() != sha256:
                        return False
                return not left and not next(opened.chunks, b"")
        except NotStored:
            return False

    def _keep_state(self, job: Job, state: str) -> None:
        result = _result(job)
        if result.state != state:
            self._store.maintenance.note_state(job.job_id, replace(result, state=state))

    def _lost(self, job: Job, error: NotStored) -> UsageError:
        destroyed = self._deletion_error(job)
        if destroyed is None:
            log.error("job %s: %s: %s", job.job_id, error.message, _result(job).key)
        return destroyed or lost(job)

    def _deletion_error(self, job: Job) -> UsageError | None:
        """Return the error of a result that was destroyed while it was opened; None if it was not."""
        present = self._store.get(job.job_id)
        return result_unavailable(present) if present.destroyed_at is not None else None


@dataclass(slots=True)
class _Hashing:
    """The lock of a file that is hashed, and the number of threads that use it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


def _result(job: Job) -> Result:
    if job.result is None:
        raise ValueError(f"job {job.job_id} has no result")
    return job.result
