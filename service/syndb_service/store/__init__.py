"""The database rows: jobs and their events, tokens and groups, in SQLite or PostgreSQL.

All layers from ``auth`` upwards may import it. It imports the domain and no other adapter.
"""

from syndb_service.store.change_listener import ChangeListener
from syndb_service.store.database import DATABASE_UNAVAILABLE, Database
from syndb_service.store.groups import GroupStore, Membership
from syndb_service.store.job_store import JobStore, Submission
from syndb_service.store.token_store import StoredToken, TokenStore

__all__ = [
    "DATABASE_UNAVAILABLE",
    "ChangeListener",
    "Database",
    "GroupStore",
    "JobStore",
    "Membership",
    "StoredToken",
    "Submission",
    "TokenStore",
]
