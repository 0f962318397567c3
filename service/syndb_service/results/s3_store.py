"""The result store in S3, or in a store with its protocol."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from urllib.parse import quote

from syndb_service.results.base import FileState, OpenedResult, result_missing
from syndb_service.results.s3_lifecycle import extend_lifecycle
from syndb_service.results.s3_writer import MAX_PARTS, PART_BYTES, S3Writer, state_of
from syndb_service.s3 import Bucket, ObjectNotFound, Opened, RangeNotSatisfiableInS3, chunks_of

_KEY: Final = re.compile(r"[^/]+/\d+")


class S3ResultStore:
    """A result store below a prefix of a bucket.

    Parameters
    ----------
    bucket : Bucket
        Bucket and prefix, which should contain results only.
    max_result_bytes : int
        Largest result, in bytes.
    unfinished_s : float
        Age, in seconds, from which an unfinished upload is listed for the sweeper.

    Notes
    -----
    A result up to one part (8 MiB) is sent by one PUT at the end; a larger one is uploaded in parts while the
    job runs, with at most three parts in memory. Neither is visible before it is complete.
    """

    def __init__(
        self, bucket: Bucket, *, max_result_bytes: int = 1024**3, unfinished_s: float = 60.0
    ) -> None:
        self._bucket = bucket
        self._part_bytes = max(PART_BYTES, -(-max_result_bytes // (MAX_PARTS - 1)))
        self._unfinished = timedelta(seconds=unfinished_s)

    def check(self) -> None:
        """Require at start that the bucket exists and that the credentials may read and write it.

        Raises
        ------
        BadSetting
            If a setting is wrong: no bucket, wrong or missing credentials, missing rights.
        TransientError
            If the store is unavailable.
        """
        self._bucket.check()

    def ready(self) -> None:
        """Require that the store responds, within about three seconds.

        Raises
        ------
        TransientError
            If it does not.
        """
        self._bucket.ready()

    def open_writer(self, job_id: str, attempt: int) -> S3Writer:
        """Open a writer for the result of one attempt; no request is sent before the first part is full."""
        return S3Writer(self._bucket, f"{job_id}/{attempt}", self._part_bytes)

    def copy(self, key: str, job_id: str, attempt: int) -> str | None:
        """Copy a result within the store; return None if it is missing."""
        copied = f"{job_id}/{attempt}"
        try:
            self._bucket.copy(key, copied)
        except ObjectNotFound:
            return None
        return copied

    def open(self, key: str, start: int = 0, stop: int | None = None) -> OpenedResult:
        """Open a result for reading, or its bytes from ``start`` up to ``stop``, clipped to its size."""
        if stop is None or stop <= start:
            known = self.state(key)
            stop = known.bytes if stop is None else min(stop, known.bytes)
            start = min(start, stop)
            if start == stop:
                return OpenedResult(known.bytes, start, stop, iter(()), known.state)
        try:
            opened = self._bucket.open(key, start, stop)
        except RangeNotSatisfiableInS3:
            known = self.state(key)
            return OpenedResult(known.bytes, known.bytes, known.bytes, iter(()), known.state)
        except ObjectNotFound as error:
            raise result_missing() from error
        stop = min(stop, opened.size)
        state = state_of(opened.size, opened.etag)
        return OpenedResult(opened.size, start, stop, _Chunks(self._bucket, key, opened, start, stop), state)

    def state(self, key: str) -> FileState:
        """Return the state of a result; an object that replaces it has another ETag."""
        try:
            size, etag = self._bucket.state(key)
        except ObjectNotFound as error:
            raise result_missing() from error
        return FileState(size, state_of(size, etag))

    def path(self, key: str) -> None:
        """Return None: results are not on this machine."""

    def redirect(self, key: str, filename: str, media_type: str, seconds: int) -> str:
        """Return a URL of the result that needs no credentials for ``seconds`` (at most a week).

        Raises
        ------
        TransientError
            If the file of a row is missing, or the store is unavailable.
        """
        self.state(key)
        headers = {
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
            "ResponseContentType": media_type,
            "ResponseCacheControl": "private",
        }
        return self._bucket.link(key, seconds, headers)

    def delete(self, key: str) -> None:
        """Delete a result, or its unfinished uploads if the key ends in ``.part``."""
        object_key = key.removesuffix(".part")
        if object_key == key:
            self._bucket.delete(key)
            return
        for upload in list(self._bucket.uploads(object_key)):
            if upload.key == object_key:
                self._bucket.abort(upload.key, upload.upload_id)

    def size(self, key: str) -> int:
        """Return the bytes of an object; 0 if it is missing or was never finished."""
        try:
            return self._bucket.size(key)
        except ObjectNotFound:
            return 0

    def listing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each job that has files with their keys; ``….part`` names unfinished ones."""
        yield from self._by_job("")

    def states(self) -> Iterator[tuple[str, FileState]]:
        """Yield the key and the state of each complete result."""
        for entry in self._bucket.entries():
            if _KEY.fullmatch(entry.key):
                yield entry.key, FileState(entry.bytes, state_of(entry.bytes, entry.etag))

    def jobs(self) -> Iterator[str]:
        """Yield the ids of the jobs that have files."""
        for job_id, _ in self._by_job(""):
            yield job_id

    def keys(self, job_id: str) -> list[str]:
        """Return the keys of one job's files; ``….part`` names unfinished ones."""
        return [key for _, keys in self._by_job(f"{job_id}/") for key in keys]

    def ensure_lifecycle(self, max_ttl_hours: float) -> bool:
        """Set a rule by which the store deletes old files itself; return whether it is set.

        If the store or its rights don't allow that, log a warning and return False.
        """
        return extend_lifecycle(self._bucket, max_ttl_hours)

    def _by_job(self, below: str) -> Iterator[tuple[str, list[str]]]:
        """Yield the keys by job: complete results, which are listed in order, then unfinished ones."""
        before = datetime.now(UTC) - self._unfinished
        unfinished = [
            f"{upload.key}.part"
            for upload in self._bucket.uploads(below)
            if _KEY.fullmatch(upload.key) and upload.initiated <= before
        ]
        complete = (entry.key for entry in self._bucket.entries(below) if _KEY.fullmatch(entry.key))
        unfinished_by_job: dict[str, list[str]] = {}
        for key in unfinished:
            unfinished_by_job.setdefault(_job_of(key), []).append(key)
        for job_id, keys in itertools.groupby(complete, _job_of):
            yield job_id, [*keys, *unfinished_by_job.pop(job_id, ())]
        yield from unfinished_by_job.items()


class _Chunks:
    """The bytes of a response of S3; the response is closed even if it was never read."""

    def __init__(self, bucket: Bucket, key: str, opened: Opened, start: int, stop: int) -> None:
        self._opened = opened
        self._chunks = chunks_of(bucket, key, opened, start, stop)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except ObjectNotFound as error:
            raise result_missing() from error

    def close(self) -> None:
        """Close the connection."""
        self._chunks.close()
        self._opened.body.close()


def _job_of(key: str) -> str:
    return key.partition("/")[0]
