"""The datasets, in a folder or in S3, with a cache of the files that a job reads.

All layers from ``auth`` upwards may import it.
"""

from syndb_service.warehouse.base import DatasetStore, ProgressCallback, Sources
from syndb_service.warehouse.factory import open_warehouse
from syndb_service.warehouse.local_warehouse import LocalWarehouse

__all__ = ["DatasetStore", "LocalWarehouse", "ProgressCallback", "Sources", "open_warehouse"]
