"""Results in S3, or in whatever speaks like it."""

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
    """Results below a prefix of a bucket.

    Parameters
    ----------
    bucket : Bucket
        Bucket and prefix; nothing but results should lie there.
    max_result_bytes : int
        Largest result, in bytes.
    unfinished_s : float
        Age, in seconds, from which an unfinished upload is listed for the sweep.

    Notes
    -----
    A result up to one part (8 MiB) is one PUT at the end; a larger one is uploaded in parts while the job
    runs, with at most three parts in memory. Neither is visible before it is whole.
    """

    def __init__(
        self, bucket: Bucket, *, max_result_bytes: int = 1024**3, unfinished_s: float = 60.0
    ) -> None:
        self._bucket = bucket
        self._part_bytes = max(PART_BYTES, -(-max_result_bytes // (MAX_PARTS - 1)))
        self._unfinished = timedelta(seconds=unfinished_s)

    def check(self) -> None:
        """Make sure at start that the bucket is there and that the credentials may read and write it.

        Raises
        ------
        BadSetting
            If a setting has to be mended: no bucket, wrong credentials or none, missing rights.
        TransientError
            If the store does not answer now.
        """
        self._bucket.check()

    def ready(self) -> None:
        """Return if the store answers, within some three seconds.

        Raises
        ------
        TransientError
            If it does not.
        """
        self._bucket.ready()

    def open_writer(self, job_id: str, attempt: int) -> S3Writer:
        """Start writing the result of one attempt; nothing is sent before the first part is full."""
        return S3Writer(self._bucket, f"{job_id}/{attempt}", self._part_bytes)

    def copy(self, key: str, job_id: str, attempt: int) -> str | None:
        """Have the store copy a result; None if it is gone."""
        copied = f"{job_id}/{attempt}"
        try:
            self._bucket.copy(key, copied)
        except ObjectNotFound:
            return None
        return copied

    def open(self, key: str, start: int = 0, stop: int | None = None) -> OpenedResult:
        """Open a result for reading: whole, or from byte ``start`` up to ``stop``, clipped to its size."""
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
        """Return what S3 says of a result: whoever writes another object to its place changes the ETag."""
        try:
            size, etag = self._bucket.state(key)
        except ObjectNotFound as error:
            raise result_missing() from error
        return FileState(size, state_of(size, etag))

    def path(self, key: str) -> None:
        """Tell that results do not lie on this machine."""

    def redirect(self, key: str, filename: str, media_type: str, seconds: int) -> str:
        """Return a URL that gives the result without credentials for some seconds (at most a week).

        Raises
        ------
        TransientError
            If the result is not there though a row says so, or the store is away.
        """
        self.state(key)
        headers = {
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
            "ResponseContentType": media_type,
            "ResponseCacheControl": "private",
        }
        return self._bucket.link(key, seconds, headers)

    def delete(self, key: str) -> None:
        """Destroy a result, or the uploads of one where the key ends in ``.part``."""
        whole = key.removesuffix(".part")
        if whole == key:
            self._bucket.delete(key)
            return
        for upload in list(self._bucket.uploads(whole)):
            if upload.key == whole:
                self._bucket.abort(upload.key, upload.upload_id)

    def size(self, key: str) -> int:
        """Return the bytes of an object; 0 of one that is gone, or was never finished."""
        try:
            return self._bucket.size(key)
        except ObjectNotFound:
            return 0

    def listing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each job that has files here with their keys; ``….part`` names what is unfinished."""
        yield from self._by_job("")

    def states(self) -> Iterator[tuple[str, FileState]]:
        """Yield the key of each whole result with what S3 says of it."""
        for entry in self._bucket.entries():
            if _KEY.fullmatch(entry.key):
                yield entry.key, FileState(entry.bytes, state_of(entry.bytes, entry.etag))

    def jobs(self) -> Iterator[str]:
        """Yield the ids of the jobs that have files here."""
        for job_id, _ in self._by_job(""):
            yield job_id

    def keys(self, job_id: str) -> list[str]:
        """Return the keys of one job's files; ``….part`` names what is unfinished."""
        return [key for _, keys in self._by_job(f"{job_id}/") for key in keys]

    def ensure_lifecycle(self, max_ttl_hours: float) -> bool:
        """Let the store itself destroy what is older than any result may be; tell whether it does.

        Stores and rights that don't allow it are logged and borne.
        """
        return extend_lifecycle(self._bucket, max_ttl_hours)

    def _by_job(self, below: str) -> Iterator[tuple[str, list[str]]]:
        """Group whole results, which are listed in order, and then unfinished ones."""
        before = datetime.now(UTC) - self._unfinished
        unfinished = [
            f"{upload.key}.part"
            for upload in self._bucket.uploads(below)
            if _KEY.fullmatch(upload.key) and upload.initiated <= before
        ]
        whole = (entry.key for entry in self._bucket.entries(below) if _KEY.fullmatch(entry.key))
        waiting: dict[str, list[str]] = {}
        for key in unfinished:
            waiting.setdefault(_job_of(key), []).append(key)
        for job_id, keys in itertools.groupby(whole, _job_of):
            yield job_id, [*keys, *waiting.pop(job_id, ())]
        yield from waiting.items()


class _Chunks:
    """The bytes of an answer of S3; it is closed also where nobody has read from it."""

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
        """Let go of the connection."""
        self._chunks.close()
        self._opened.body.close()


def _job_of(key: str) -> str:
    return key.partition("/")[0]
