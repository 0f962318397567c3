"""Database rows: jobs, events, tokens and groups. It imports the domain; ``auth`` and all above import it."""

from syndb_service.store.change_listener import ChangeListener
from syndb_service.store.database import Database
from syndb_service.store.groups import GroupStore
from syndb_service.store.job_store import JobStore, Submission
from syndb_service.store.token_store import TokenStore

__all__ = ["ChangeListener", "Database", "GroupStore", "JobStore", "Submission", "TokenStore"]
