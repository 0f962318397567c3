"""The datasets, in a folder or in S3."""

from syndb_service.warehouse.opening import open_warehouse
from syndb_service.warehouse.store import DatasetStore, Sources, Tick
from syndb_service.warehouse.warehouse import LocalWarehouse

__all__ = ["DatasetStore", "LocalWarehouse", "Sources", "Tick", "open_warehouse"]
