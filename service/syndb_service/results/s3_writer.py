"""The writer of a result to S3: by one PUT if it is small, in parts while the job runs if it is large."""

from __future__ import annotations

import hashlib
import logging
from types import TracebackType
from typing import Final, Self

from syndb_service.errors import TransientError
from syndb_service.results.base import StoredFile
from syndb_service.results.s3_multipart_upload import MultipartUpload
from syndb_service.s3 import Bucket
from syndb_service.s3.retry import retry_during_outage

PART_BYTES: Final = 8 * 1024**2
MAX_PARTS: Final = 10_000

_log: Final = logging.getLogger(__name__)


def state_of(size: int, etag: str) -> str:
    """Return the text that identifies the version of an object."""
    return f"{size}-" + etag.removeprefix("W/").strip('"')


class S3Writer:
    """A writer of the result of one attempt; see :class:`syndb_service.results.ResultWriter`.

    Parameters
    ----------
    bucket : Bucket
        The target bucket.
    key : str
        ``job id/attempt``.
    part_bytes : int
        Size of a part in bytes, which is buffered before it is sent.
    """

    def __init__(self, bucket: Bucket, key: str, part_bytes: int = PART_BYTES) -> None:
        self._bucket = bucket
        self._key = key
        self._part_bytes = part_bytes
        self._part = bytearray()
        self._hash = hashlib.sha256()
        self._upload: MultipartUpload | None = None
        self._put = False
        self._closed = False
        self.bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def write(self, data: bytes | memoryview) -> None:
        """Append ``data``; block while the store is slower than the job.

        Raises
        ------
        TransientError
            If a part failed.
        """
        if not len(data):
            return
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self.bytes += len(view)
        while view:
            fits = self._part_bytes - len(self._part)
            self._part += view[:fits]
            view = view[fits:]
            if len(self._part) == self._part_bytes:
                self._send_part()

    def wait_writable(self, wait_s: float) -> bool:
        """Wait up to ``wait_s`` seconds until a write would not block; return whether that is so."""
        return self._upload is None or self._upload.wait_writable(wait_s)

    def finish(self) -> StoredFile:
        """Make the complete file visible under its key.

        Raises
        ------
        TransientError
            If the store fails; the sent data is removed.
        """
        try:
            if self._upload is None:
                self._put = True
                etag = retry_during_outage(lambda: self._bucket.put(self._key, self._part))
            else:
                if self._part:
                    self._send_part()
                etag = self._upload.complete()
        except BaseException:
            self.abort()
            raise
        self._closed = True
        self._part = bytearray()
        return StoredFile(self._key, self.bytes, self._hash.hexdigest(), state_of(self.bytes, etag))

    def abort(self) -> None:
        """Remove the sent data; if the store is unavailable, leave that to the sweeper."""
        if self._closed:
            return
        self._closed = True
        self._part = bytearray()
        try:
            if self._upload is not None:
                self._upload.abort()
            elif self._put:
                self._bucket.delete(self._key)
        except TransientError as error:
            _log.warning("%s: the sent data is left to the sweeper: %s", self._key, error)

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = MultipartUpload(self._bucket, self._key)
        part, self._part = self._part, bytearray()
        self._upload.send(part)
