"""The result files, in a folder or in S3: written first, then the row. Their keys are ``job id/attempt``.

Everything from ``auth`` upwards imports it.
"""

from syndb_service.results.base import FileState, OpenedResult, ResultStore, ResultWriter, StoredFile
from syndb_service.results.factory import open_results
from syndb_service.results.local_store import LocalResultStore

__all__ = [
    "FileState",
    "LocalResultStore",
    "OpenedResult",
    "ResultStore",
    "ResultWriter",
    "StoredFile",
    "open_results",
]
