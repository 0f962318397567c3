"""The results: files first, status after. Keys are ``job id/attempt``, in a folder or in S3."""

from syndb_service.results.local import LocalResultStore
from syndb_service.results.opening import open_results
from syndb_service.results.store import FileState, OpenedResult, ResultStore, ResultWriter, StoredFile

__all__ = [
    "FileState",
    "LocalResultStore",
    "OpenedResult",
    "ResultStore",
    "ResultWriter",
    "StoredFile",
    "open_results",
]
