"""Going through a short outage, where giving up would cost a job its whole run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from syndb_service.retry import retry_with_pauses
from syndb_service.s3.errors import S3Unavailable

PAUSES_S: Final = (0.5, 1.0, 2.0)
PATIENCE_S: Final = 15.0

T = TypeVar("T")


def retry_during_outage(call: Callable[[], T]) -> T:
    """Do a call again after growing pauses while the store is away; not where it refuses.

    botocore's own retries follow each other within 0.1 s: enough for a connection that broke, not for a store
    that starts again. This adds some four seconds, and ends 15 s after the first call.

    Examples
    --------
    >>> retry_during_outage(lambda: "done")
    'done'
    """
    return retry_with_pauses(call, S3Unavailable, PAUSES_S, PATIENCE_S)
