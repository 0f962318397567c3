"""The tables of the job database, and the conversion of their rows to job records."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from syndb_service.domain.job_status import Reason, Status
from syndb_service.domain.jobs import Failure, Job, JobRequest, Progress, Result
from syndb_service.store.database import UtcTimestamp

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32)),
    Column("version", Integer, nullable=False),
    Column("label", String(200)),
    Column("request", JSON, nullable=False),
    Column("rerun_of", String(36)),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("started_at", UtcTimestamp),
    Column("finished_at", UtcTimestamp),
    Column("expires_at", UtcTimestamp),
    Column("destroyed_at", UtcTimestamp),
    Column("attempt", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("outages", Integer, nullable=False),
    Column("not_before", UtcTimestamp),
    Column("worker", String(255)),
    Column("cancel_requested", Boolean, nullable=False),
    Column("lease_until", UtcTimestamp),
    Column("hinted_at", UtcTimestamp),
    Column("progress", JSON),
    Column("result", JSON),
    Column("failure", JSON),
    Column("datasets", JSON),
    Column("identity", String(64)),
    Column("tallied", SmallInteger, nullable=False, server_default="0"),
    Index("jobs_by_owner", "owner", "created_at", "job_id"),
    Index("jobs_by_status", "status", "created_at"),
    Index("jobs_by_identity", "owner", "identity"),
    Index("jobs_by_owner_and_status", "owner", "status"),
    Index("jobs_by_owner_and_start", "owner", "started_at"),
    Index(
        "jobs_by_expiry",
        "expires_at",
        sqlite_where=text("destroyed_at IS NULL"),
        postgresql_where=text("destroyed_at IS NULL"),
    ),
    *(
        Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
        for name, columns, where in (
            ("jobs_uncounted", ("status", "kind"), "tallied = 0"),
            ("jobs_destroyed", ("destroyed_at",), "tallied = 1 AND destroyed_at IS NOT NULL"),
            ("jobs_damaged", ("reason",), "reason IN ('result_damaged', 'result_lost')"),
        )
    ),
)
"""``tallied`` is 1 once the end of a job is counted, and 2 once the deletion of its result is counted."""

job_events = Table(
    "job_events",
    metadata,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("job_id", String(36), ForeignKey("jobs.job_id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(32)),
    Column("at", UtcTimestamp, nullable=False),
    Index("job_events_by_job", "job_id", "version"),
)

previews = Table(
    "previews",
    metadata,
    Column("job_id", String(36), ForeignKey("jobs.job_id"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("owner", String(255), nullable=False),
    Column("idempotency_key", String(255), nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("job_id", String(36), ForeignKey("jobs.job_id"), nullable=False),
    UniqueConstraint("owner", "idempotency_key"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", String(16), primary_key=True),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("user", String(255), nullable=False),
    Column("academic", Boolean, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("expires_at", UtcTimestamp),
    Column("revoked_at", UtcTimestamp),
    Column("last_used_at", UtcTimestamp),
)

memberships = Table(
    "memberships",
    metadata,
    Column("group_name", String(100), primary_key=True),
    Column("user", String(255), primary_key=True),
    Column("issuer", String(255), primary_key=True),
    Index("memberships_by_user", "user"),
)

standings = Table(
    "standings",
    metadata,
    Column("user", String(255), primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("affiliation", String(255), nullable=False),
    Column("verified_at", UtcTimestamp, nullable=False),
)


def job_of(row: Row[Any], queue_position: int | None = None) -> Job:
    """Convert a row of the table ``jobs`` to a job record."""
    return Job(
        job_id=row.job_id,
        owner=row.owner,
        request=JobRequest.from_dict(row.request),
        status=Status(row.status),
        reason=_reason(row.reason),
        version=row.version,
        created_at=row.created_at,
        label=row.label,
        rerun_of=row.rerun_of,
        started_at=row.started_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
        destroyed_at=row.destroyed_at,
        attempt=row.attempt,
        deaths=row.deaths,
        outages=row.outages,
        cancel_requested=row.cancel_requested,
        progress=None if row.progress is None else Progress.from_dict(row.progress),
        result=None if row.result is None else Result.from_dict(row.result),
        failure=None if row.failure is None else Failure.from_dict(row.failure),
        queue_position=queue_position,
        datasets=row.datasets,
    )


def _reason(stored: str | None) -> Reason | None:
    """Convert a stored reason; return None for one that only a newer version of the service knows."""
    return Reason(stored) if stored in set(Reason) else None
