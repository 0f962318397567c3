"""A multipart upload to S3: a few parts at a time, in its own threads."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from syndb_service.errors import TransientError
from syndb_service.s3 import Bucket, ObjectNotFound
from syndb_service.s3.retry import retry_during_outage

MAX_SENDING: Final = 2


class MultipartUpload:
    """A multipart upload that holds at most ``MAX_SENDING`` parts in memory.

    Parameters
    ----------
    bucket : Bucket
        The target bucket.
    key : str
        The object that :meth:`complete` makes visible.

    Raises
    ------
    TransientError
        If the store can't start it.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._mark = uuid.uuid4().hex
        self._free = threading.Semaphore(MAX_SENDING)
        self._reserved = False
        self._sent: list[Future[str]] = []
        self._failure: BaseException | None = None
        self._completing = False
        with bucket.translate_errors():
            begun = bucket.client.create_multipart_upload(**bucket.at(key), Metadata={"writer": self._mark})
        self._id: str = begun["UploadId"]
        self._pool = ThreadPoolExecutor(MAX_SENDING, thread_name_prefix="upload")

    def wait_writable(self, wait_s: float) -> bool:
        """Wait up to ``wait_s`` seconds until a part can be sent; return whether that is so."""
        if not self._reserved:
            self._reserved = self._free.acquire(timeout=wait_s)
        return self._reserved

    def send(self, part: bytearray) -> None:
        """Send the next part in a thread; block while ``MAX_SENDING`` parts are being sent.

        Raises
        ------
        TransientError
            If an earlier part failed.
        """
        if not self._reserved:
            self._free.acquire()
        self._reserved = False
        if self._failure is not None:
            self._free.release()
            raise self._failure
        self._sent.append(self._pool.submit(self._send, len(self._sent) + 1, part))

    def complete(self) -> str:
        """Make the object visible after all parts are sent; return its ETag.

        Raises
        ------
        TransientError
            If a part failed, or the store fails.
        """
        parts = [
            {"PartNumber": number, "ETag": future.result()} for number, future in enumerate(self._sent, 1)
        ]
        self._pool.shutdown()
        self._completing = True
        try:
            answer = retry_during_outage(
                lambda: self._call("complete_multipart_upload", MultipartUpload={"Parts": parts})
            )
            return str(answer["ETag"])
        except TransientError:
            # The response to a completed upload may be lost: the retry finds no upload, but its object.
            if not self._bucket.was_written_by(self._key, self._mark):
                raise
            return self._bucket.state(self._key)[1]

    def abort(self) -> None:
        """Wait for running requests, then remove the sent parts.

        Raises
        ------
        TransientError
            If the store is unavailable: parts may be left over.
        """
        self._pool.shutdown(cancel_futures=True)
        self._bucket.abort(self._key, self._id)
        if self._completing:
            self._bucket.delete(self._key)

    def _send(self, number: int, part: bytearray) -> str:
        try:
            return str(
                retry_during_outage(lambda: self._call("upload_part", PartNumber=number, Body=part))["ETag"]
            )
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._free.release()

    def _call(self, name: str, **options: Any) -> dict[str, Any]:
        try:
            with self._bucket.translate_errors():
                answer: dict[str, Any] = getattr(self._bucket.client, name)(
                    **self._bucket.at(self._key), UploadId=self._id, **options
                )
                return answer
        except ObjectNotFound as error:
            raise TransientError(
                "the upload of this result is gone: another attempt may have taken over",
                hint="The job is tried again.",
                code="store_unavailable",
            ) from error
