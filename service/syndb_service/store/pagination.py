"""Cursors: where the next page of a list of jobs begins, opaque to those who pass them on."""

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
    """Return when the last job of the page before was made, and its id.

    Raises
    ------
    InvalidRequest
        If the cursor is not one of ours.
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
