"""The retry policy for short outages of S3, after which a job would have to run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from syndb_service.retry import retry_with_pauses
from syndb_service.s3.errors import S3Unavailable

PAUSES_S: Final = (0.5, 1.0, 2.0)
TIMEOUT_S: Final = 15.0

T = TypeVar("T")


def retry_during_outage(call: Callable[[], T]) -> T:
    """Repeat a call with growing pauses while the store is unavailable; other errors are not retried.

    botocore's own retries follow within 0.1 s: enough for a broken connection, not for a store that restarts.
    This adds up to 3.5 s of pauses, and ends ``TIMEOUT_S`` seconds after the first call.

    Examples
    --------
    >>> retry_during_outage(lambda: "done")
    'done'
    """
    return retry_with_pauses(call, S3Unavailable, PAUSES_S, TIMEOUT_S)
