"""The rows: jobs, their events, the tokens and the people, in SQLite (PostgreSQL speaks the same SQL)."""

from syndb_service.store.database import DATABASE_AWAY, Database
from syndb_service.store.job_store import JobStore, Submission
from syndb_service.store.notices import ChangeListener
from syndb_service.store.people import GroupStore, Membership
from syndb_service.store.token_store import StoredToken, TokenStore

__all__ = [
    "DATABASE_AWAY",
    "ChangeListener",
    "Database",
    "GroupStore",
    "JobStore",
    "Membership",
    "StoredToken",
    "Submission",
    "TokenStore",
]
