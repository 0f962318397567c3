"""Cursors of job listings: opaque strings that mark the start of the next page."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from datetime import UTC, datetime

from syndb_service.domain.jobs import Job
from syndb_service.errors import InvalidRequest


def write_cursor(job: Job) -> str:
    """Return the cursor of the page after the one that ends with ``job``."""
    text = json.dumps([job.created_at.isoformat(), job.job_id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Parse a cursor; return the creation time and the id of the last job of the previous page.

    Raises
    ------
    InvalidRequest
        If the cursor was not written by this service.
    """
    try:
        created_at, job_id = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return datetime.fromisoformat(created_at).astimezone(UTC), str(uuid.UUID(job_id))
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InvalidRequest(
            "this cursor is not one that this service gave",
            code="invalid_cursor",
            hint="Start again without a cursor, and pass on next_cursor as it is.",
        ) from None
