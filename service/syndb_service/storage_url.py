"""Storage URLs: a folder of this machine, or a bucket and a prefix in S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from syndb_service.errors import BadSetting

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]*")
_FORMS = "It is a folder (/srv/syndb or file:///srv/syndb) or s3://bucket/prefix."


@dataclass(frozen=True, slots=True)
class S3Location:
    """A bucket and a prefix in it; the prefix is empty or ends in a slash.

    Examples
    --------
    >>> results, warehouse = S3Location("lab", "syndb/"), S3Location("lab", "syndb/warehouse/")
    >>> results.overlaps(warehouse)
    True
    >>> str(warehouse)
    's3://lab/syndb/warehouse'
    """

    bucket: str
    prefix: str = ""

    def overlaps(self, other: S3Location) -> bool:
        """Return whether one of the two prefixes contains the other."""
        nested = self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        return self.bucket == other.bucket and nested

    def __str__(self) -> str:
        """Format the location as a URL."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def parse_storage_url(url: str, setting: str) -> Path | S3Location:
    """Parse a storage URL.

    Parameters
    ----------
    url : str
        A folder (``/srv/syndb``, ``file:///srv/syndb``) or ``s3://bucket/prefix``.
    setting : str
        Name of the variable that contains it, for the error.

    Raises
    ------
    BadSetting
        If it is invalid; the message names the setting and the allowed forms, and no secret.

    Examples
    --------
    >>> parse_storage_url("s3://lab/syndb/results", "SYNDB_RESULTS_URL")
    S3Location(bucket='lab', prefix='syndb/results/')
    >>> parse_storage_url("ftp://host/results", "SYNDB_RESULTS_URL")
    Traceback (most recent call last):
    syndb_service.errors.BadSetting: SYNDB_RESULTS_URL = 'ftp://host/results' is no folder and no place in S3
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        keys = "Keys for S3 are given as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by a role."
        raise BadSetting(f"{setting} holds credentials", hint=f"{_FORMS} {keys}")
    if parts.scheme == "s3":
        return _in_s3(url, setting)
    folder = Path(unquote(parts.path) if parts.scheme == "file" else url)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost") or not folder.is_absolute():
        raise BadSetting(f"{setting} = {url!r} is no folder and no place in S3", hint=_FORMS)
    return folder


def _in_s3(url: str, setting: str) -> S3Location:
    parts = urlsplit(url)
    if not _BUCKET.fullmatch(parts.netloc):
        raise BadSetting(
            f"{setting} = {url!r}: {parts.netloc!r} is no name of a bucket",
            hint=f"{_FORMS} A bucket's name has 3 to 63 of a-z, 0-9, '.' and '-'.",
        )
    prefix = parts.path.strip("/")
    segments = prefix.split("/") if prefix else []
    clean = _PREFIX.fullmatch(prefix) and not any(segment in ("", ".", "..") for segment in segments)
    if not clean or parts.query or parts.fragment:
        raise BadSetting(
            f"{setting} = {url!r} has no prefix that can be used",
            hint=f"{_FORMS} A prefix has letters, digits and !_.*'()- between single slashes.",
        )
    return S3Location(parts.netloc, f"{prefix}/" if prefix else "")
