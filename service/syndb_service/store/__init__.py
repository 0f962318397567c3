"""The rows: jobs, their events, the tokens and the people, in SQLite (PostgreSQL speaks the same SQL)."""

from syndb_service.store.database import DATABASE_AWAY, Database
from syndb_service.store.job_store import JobStore, Submission
from syndb_service.store.notices import Notices
from syndb_service.store.people import Membership, People
from syndb_service.store.token_store import TokenRecord, TokenStore

__all__ = [
    "DATABASE_AWAY",
    "Database",
    "JobStore",
    "Membership",
    "Notices",
    "People",
    "Submission",
    "TokenRecord",
    "TokenStore",
]
