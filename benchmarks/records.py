"""Generates job records of many users: completed, failed, cancelled and expired, and a few pending ones."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import insert

from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import JobRequest
from syndb_service.store import Database
from syndb_service.store.schema import job_events, jobs

LISTED_USER: Final = "someone"
"""The user whose jobs are listed: 60 records, independent of the total."""
OPEN: Final = 20
CHUNK: Final = 5_000


def fill(database: Database, records: int, users: int = 500) -> None:
    """Insert records: 60 of ``LISTED_USER``, the others of all users in turn; the newest 20 are pending."""
    now = database.now()
    rows = [_row(number, records, users, now) for number in range(records)]
    for start in range(0, records, CHUNK):
        chunk = rows[start : start + CHUNK]
        events = [
            {"job_id": row["job_id"], "version": 1, "attempt": 0, "status": row["status"], "at": now}
            for row in chunk
        ]
        with database.write() as connection:
            connection.execute(insert(jobs), chunk)
            connection.execute(insert(job_events), events)


def _row(number: int, records: int, users: int, now: Any) -> dict[str, Any]:
    created_at = now - timedelta(minutes=records - number)
    pending = number >= records - OPEN
    done = (Status.COMPLETED, Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.CANCELLED)[number % 5]
    completed = done is Status.COMPLETED and not pending
    job_id = str(uuid.UUID(int=number + 1, version=4))
    result = {"key": f"{job_id}/1", "format": "arrow", "bytes": 1, "rows": 1, "columns": []}
    is_listed = number % max(records // 60, 1) == 0 and number < 60 * max(records // 60, 1)
    return {
        "job_id": job_id,
        "owner": LISTED_USER if is_listed else f"user {number % users}",
        "kind": "query",
        "status": Status.PENDING if pending else done,
        "reason": Reason.QUEUED if pending else None,
        "version": 1,
        "label": f"label {number % 7}",
        "request": JobRequest(kind=Kind.QUERY, query="SELECT 1").as_dict(),
        "created_at": created_at,
        "finished_at": None if pending else created_at,
        "expires_at": now + timedelta(days=1) if completed else None,
        "destroyed_at": created_at if completed and number % 2 else None,
        "attempt": 0,
        "deaths": 0,
        "outages": 0,
        "cancel_requested": False,
        "hinted_at": now,
        "result": result | {"sha256": "0" * 64, "truncated": False} if completed else None,
    }
