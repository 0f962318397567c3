"""Streaming of an object in chunks; a broken connection is resumed."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import Final

from syndb_service.errors import TransientError
from syndb_service.s3.bucket import Bucket, Opened
from syndb_service.s3.errors import ObjectNotFound, PreconditionFailed

CHUNK_BYTES: Final = 1024**2
RESUMES: Final = 3
PAUSE_S: Final = 0.5

_log: Final = logging.getLogger(__name__)


def chunks_of(
    bucket: Bucket, key: str, opened: Opened, start: int, stop: int
) -> Generator[bytes, None, None]:
    """Yield the bytes from ``start`` up to ``stop``; resume after a broken connection.

    Parameters
    ----------
    bucket, key : Bucket, str
        The object.
    opened : Opened
        The response from ``start`` on; it is closed at the end.
    start, stop : int
        The range, in bytes.

    Raises
    ------
    TransientError
        If the connection breaks more than ``RESUMES`` times.
    ObjectNotFound
        If the object was deleted or replaced.
    """
    resumes = 0
    try:
        while start < stop:
            try:
                chunk = _read(bucket, opened, min(CHUNK_BYTES, stop - start))
            except TransientError as error:
                resumes += 1
                if resumes > RESUMES:
                    raise
                _log.warning("%s: reading resumes at byte %d: %s", key, start, error)

                opened.body.close()
                time.sleep(PAUSE_S * resumes)
                opened = _reopen(bucket, key, start, stop, opened.etag)
                continue
            start += len(chunk)
            yield chunk
    finally:
        opened.body.close()


def _read(bucket: Bucket, opened: Opened, size: int) -> bytes:
    with bucket.translate_errors():
        chunk = opened.body.read(size)
        if not chunk:
            raise ConnectionError("the answer ended too early")
    return chunk


def _reopen(bucket: Bucket, key: str, start: int, stop: int, etag: str) -> Opened:
    try:
        return bucket.open(key, start, stop, etag)
    except PreconditionFailed as error:
        raise ObjectNotFound(key) from error
