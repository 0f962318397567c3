"""The results: files first, status after. Keys are ``job id/attempt``, in a folder or in S3."""

from syndb_service.results.local import LocalResults
from syndb_service.results.opening import open_results
from syndb_service.results.store import FileState, OpenedResult, ResultStore, ResultWriter, StoredFile

__all__ = [
    "FileState",
    "LocalResults",
    "OpenedResult",
    "ResultStore",
    "ResultWriter",
    "StoredFile",
    "open_results",
]
