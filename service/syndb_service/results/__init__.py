"""The result files, in a folder or in S3; a file is written before its row. Keys are ``job id/attempt``.

All layers from ``auth`` upwards may import it.
"""

from syndb_service.results.base import FileState, OpenedResult, ResultStore, ResultWriter
from syndb_service.results.factory import open_results
from syndb_service.results.local_store import LocalResultStore

__all__ = ["FileState", "LocalResultStore", "OpenedResult", "ResultStore", "ResultWriter", "open_results"]
