"""The factory of result stores: opens the one of a URL."""

from __future__ import annotations

from typing import Final

from syndb_service.errors import BadSetting
from syndb_service.results.base import ResultStore
from syndb_service.results.local_store import LocalResultStore
from syndb_service.storage_url import S3Location, parse_storage_url

SETTING: Final = "SYNDB_RESULTS_URL"
GIBIBYTE: Final = 1024**3


def open_results(
    url: str,
    endpoint_url: str | None = None,
    *,
    public_url: str | None = None,
    max_result_bytes: int = GIBIBYTE,
    unfinished_s: float = 60.0,
) -> ResultStore:
    """Open the result store of a URL; no request is sent to S3 before :meth:`ResultStore.check`.

    Parameters
    ----------
    url : str
        A folder (``/srv/results``, ``file:///srv/results``) or ``s3://bucket/prefix``.
    endpoint_url, public_url : str, optional
        URL of an S3 that is not Amazon's, and the URL under which users reach it if that differs.
    max_result_bytes : int
        Largest result, in bytes; it determines the size of the parts of an upload.
    unfinished_s : float
        Age, in seconds, from which an unfinished upload is listed for the sweeper: two leases.

    Raises
    ------
    BadSetting
        If the URL is invalid; the message names ``SYNDB_RESULTS_URL`` and the allowed forms.

    Examples
    --------
    >>> open_results("ftp://host/results")
    Traceback (most recent call last):
    syndb_service.errors.BadSetting: SYNDB_RESULTS_URL = 'ftp://host/results' is no folder and no place in S3
    """
    location = parse_storage_url(url, SETTING)
    if isinstance(location, S3Location):
        from syndb_service.results.s3_store import S3ResultStore
        from syndb_service.s3 import Bucket

        bucket = Bucket(location, "result store", endpoint_url, public_url)
        return S3ResultStore(bucket, max_result_bytes=max_result_bytes, unfinished_s=unfinished_s)
    try:
        return LocalResultStore(location)
    except OSError as error:
        message = f"{SETTING}: the folder {location} can't be made: {error.strerror}"
        raise BadSetting(message, hint="Choose another folder, or correct its permissions.") from error
