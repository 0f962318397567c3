"""Writing a result to S3 while its job runs: in parts where it is large, at once where it is small."""

from __future__ import annotations

import hashlib
import logging
from types import TracebackType
from typing import Final, Self

from syndb_service.errors import TransientError
from syndb_service.results.base import StoredFile
from syndb_service.results.s3_multipart_upload import MultipartUpload
from syndb_service.s3 import Bucket, retry_during_outage

PART_BYTES: Final = 8 * 1024**2
MAX_PARTS: Final = 10_000

_log: Final = logging.getLogger(__name__)


def state_of(size: int, etag: str) -> str:
    """Return what tells whether an object is still the one that was written."""
    return f"{size}-" + etag.removeprefix("W/").strip('"')


class S3Writer:
    """One attempt's result while it is written; see :class:`syndb_service.results.ResultWriter`.

    Parameters
    ----------
    bucket : Bucket
        Where it goes.
    key : str
        ``job id/attempt``.
    part_bytes : int
        Size of a part: that much is collected before anything is sent.
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
        """Append ``data``; waits where the store is slower than the job.

        Raises
        ------
        TransientError
            If the store did not take a part.
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
        """Wait until a write would not have to wait, at most ``wait_s`` seconds; tell whether that is so."""
        return self._upload is None or self._upload.wait_writable(wait_s)

    def finish(self) -> StoredFile:
        """Make the file visible under its key, whole.

        Raises
        ------
        TransientError
            If the store does not take it; what it may have taken is removed.
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
        """Remove what was sent; a store that is away is left to the sweeper."""
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
            _log.warning("%s: what was sent is left to the sweeper: %s", self._key, error)

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = MultipartUpload(self._bucket, self._key)
        part, self._part = self._part, bytearray()
        self._upload.send(part)
