"""From a URL to the warehouse that lies there."""

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
    """Open the warehouse of a URL; S3 is asked nothing yet: see :meth:`DatasetStore.check`.

    Parameters
    ----------
    url : str
        A folder (``/srv/warehouse``, ``file:///srv/warehouse``) or ``s3://bucket/prefix``.
    cache_dir : Path
        Where this machine keeps files of a warehouse in S3; its processes share it.
    cache_bytes : int
        How much it keeps, in bytes.
    endpoint_url : str, optional
        URL of an S3 that is not Amazon's.

    Raises
    ------
    BadSetting
        Naming ``SYNDB_WAREHOUSE_URL`` and what it may be.

    Examples
    --------
    >>> open_warehouse("/srv/a-new-warehouse", Path("/var/cache/syndb"), 10**10).datasets()
    []
    """
    place = parse_storage_url(url, SETTING)
    if isinstance(place, S3Location):
        from syndb_service.s3 import Bucket
        from syndb_service.warehouse.s3_warehouse import S3Warehouse

        return S3Warehouse(Bucket(place, "warehouse", endpoint_url), cache_dir, cache_bytes)
    return LocalWarehouse(place)
