"""The factory of warehouses: opens the one of a URL."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from syndb_service.storage_url import S3Location, parse_storage_url
from syndb_service.warehouse.base import DatasetStore
from syndb_service.warehouse.local_warehouse import LocalWarehouse

SETTING: Final = "SYNDB_WAREHOUSE_URL"


def open_warehouse(
    url: str, cache_dir: Path, cache_bytes: int, endpoint_url: str | None = None
) -> DatasetStore:
    """Open the warehouse of a URL; no request is sent to S3 before :meth:`DatasetStore.check`.

    Parameters
    ----------
    url : str
        A folder (``/srv/warehouse``, ``file:///srv/warehouse``) or ``s3://bucket/prefix``.
    cache_dir : Path
        Folder of this machine's cache of a warehouse in S3; its processes share it.
    cache_bytes : int
        Maximum size of the cache, in bytes.
    endpoint_url : str, optional
        URL of an S3 that is not Amazon's.

    Raises
    ------
    BadSetting
        If the URL is invalid; the message names ``SYNDB_WAREHOUSE_URL`` and the allowed forms.

    Examples
    --------
    >>> open_warehouse("/srv/a-new-warehouse", Path("/var/cache/syndb"), 10**10).datasets()
    []
    """
    location = parse_storage_url(url, SETTING)
    if isinstance(location, S3Location):
        from syndb_service.s3 import Bucket
        from syndb_service.warehouse.s3_warehouse import S3Warehouse

        return S3Warehouse(Bucket(location, "warehouse", endpoint_url), cache_dir, cache_bytes)
    return LocalWarehouse(location)
