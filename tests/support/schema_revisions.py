"""Databases as earlier versions left them: every revision of the schema, with rows in each of its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, insert, select, update

from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import JobRequest
from syndb_service.store import Database, GroupStore, JobStore, Submission, TokenStore
from syndb_service.store.schema import metadata
from syndb_service.store.statistics import read_statistics
from syndb_service.store.upgrade import HEAD, MIGRATIONS, revision, upgrade

CONFIG = Config()
CONFIG.set_main_option("script_location", str(MIGRATIONS))
EARLIER = sorted(
    script.revision
    for script in ScriptDirectory.from_config(CONFIG).walk_revisions()
    if script.revision != HEAD
)

TOKEN = "syndb_of-an-earlier-version"
BODY = "ab" * 32
AT = int(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC).timestamp() * 1_000_000)
REQUEST = {"kind": "query", "query": "SELECT 720575940600000001 AS id", "format": "arrow", "parameters": {}}
REQUEST |= {"dataset_id": None, "analysis": None, "options": {}, "time_limit_s": None, "tables": ["neurons"]}
RESULT = {"key": "key", "format": "arrow", "bytes": 10, "rows": 1, "columns": [["id", "int64"]]}
RESULT |= {"sha256": BODY, "truncated": False}
FAILURE = {"code": "invalid_query", "message": "no", "hint": None, "retryable": False, "line": 1, "column": 2}
PROGRESS = {"phase": "executing", "fraction": 0.5, "rows": None, "bytes": None}
ENDED = {"started_at": AT + 1, "finished_at": AT + 2, "attempt": 1}
JOBS: dict[str, dict[str, Any]] = {
    "pending": {"reason": "queued"},
    "running": {
        "started_at": AT + 1,
        "attempt": 1,
        "worker": "w",
        "lease_until": AT + 9,
        "progress": PROGRESS,
    },
    "completed": {**ENDED, "expires_at": 4 * AT, "result": RESULT},
    "failed": {**ENDED, "reason": "invalid_query", "failure": FAILURE},
    "cancelled": {**ENDED, "reason": "cancelled_by_user", "cancel_requested": True},
}

Rows = dict[str, list[dict[str, Any]]]


def make(database: Database, earlier: str) -> Rows:
    """Bring an empty database to an earlier revision and fill it; return what it holds."""
    with database.write() as connection:
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, earlier)
    tables = reflected(database)
    with database.write() as connection:
        for name, rows in _rows(earlier).items():
            connection.execute(insert(tables[name]), rows)
        if "tallies" in tables:
            orphans = tables["tallies"].c.name == "swept_orphans"
            connection.execute(update(tables["tallies"]).where(orphans).values(value=7))
    return held(database)


def reflected(database: Database) -> dict[str, Table]:
    """Return the tables as they are."""
    found = MetaData()
    found.reflect(database.engine)
    return {name: table for name, table in found.tables.items() if name != "alembic_version"}


def held(database: Database, columns: Mapping[str, Collection[str]] | None = None) -> Rows:
    """Return every row, in all columns or in some of some tables."""
    tables = reflected(database)
    if columns is None:
        columns = {name: table.c.keys() for name, table in tables.items()}
    with database.read() as connection:
        return {
            name: sorted(
                (
                    dict(row._mapping)
                    for row in connection.execute(select(*(tables[name].c[each] for each in some)))
                ),
                key=repr,
            )
            for name, some in columns.items()
        }


def check_upgrade(database: Database, earlier: str) -> None:
    """Take a database from an earlier revision to this version: nothing is lost, and all of it is read."""
    before = make(database, earlier)
    upgrade(database)
    with database.read() as connection:
        assert revision(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert held(database, {name: list(rows[0]) for name, rows in before.items()}) == before
    upgrade(database)
    _reads_all(database, earlier)


def _reads_all(database: Database, earlier: str) -> None:
    store = JobStore(database, lambda job_id: None)
    listed, _ = store.list("ada")
    assert {str(job.status) for job in listed} == set(JOBS)
    found = {str(job.status): job for job in listed}
    assert found["completed"].created_at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert [job.result.sha256 for job in listed if job.result] == [BODY]
    assert [job.failure.column for job in listed if job.failure] == [2]
    submission = Submission("ada", JobRequest(Kind.QUERY, query="x"), idempotency_key="k", body_sha256=BODY)
    assert store.insert(submission) == (store.get("pending"), False)
    assert store.previews.get_preview("completed") == (b"rows" if earlier >= "0002" else None)
    assert [job.job_id for job in store.maintenance.list_lapsed()] == ["running"]
    claimed = store.attempts.claim_next(30)
    assert claimed is not None
    assert (claimed.job_id, claimed.status) == ("pending", Status.RUNNING)
    principal = TokenStore(database, 36_500).verify(TOKEN)
    assert (principal.user, principal.academic) == ("ada", True)
    assert GroupStore(database).groups_of("ada") == (frozenset({"lab"}) if earlier >= "0003" else frozenset())
    figures = read_statistics(database)
    assert (figures.kept_results, figures.kept_bytes) == (1, 10)
    while store.tallies.tally_ended():
        pass
    assert read_statistics(database).ended == figures.ended
    assert figures.swept_orphans == (7 if earlier >= "0005" else 0)


def _rows(earlier: str) -> Rows:
    """Return rows of that revision; times are whole microseconds since 1970, as the columns hold them."""
    jobs = [_job(status, values, earlier) for status, values in JOBS.items()]
    event = {"version": 1, "attempt": 0, "status": "pending", "reason": "queued", "at": AT}
    rows: Rows = {
        "jobs": jobs,
        "job_events": [{"job_id": job["job_id"], **event} for job in jobs],
        "submissions": [{"owner": "ada", "idempotency_key": "k", "body_sha256": BODY, "job_id": "pending"}],
        "tokens": [
            {
                "token_id": "t",
                "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
                "user": "ada",
                "academic": True,
                "created_at": AT,
            }
        ],
    }
    if earlier >= "0002":
        rows["previews"] = [{"job_id": "completed", "attempt": 1, "data": b"rows"}]
    if earlier >= "0003":
        rows["memberships"] = [{"group_name": "lab", "user": "ada", "issuer": ""}]
        rows["standings"] = [
            {"user": "ada", "issuer": "https://x", "affiliation": "staff@x.edu", "verified_at": AT}
        ]
    return rows


def _job(status: str, values: dict[str, Any], earlier: str) -> dict[str, Any]:
    job: dict[str, Any] = dict.fromkeys(
        ("reason", "label", "rerun_of", "started_at", "finished_at", "expires_at", "destroyed_at")
    )
    job |= dict.fromkeys(
        ("not_before", "worker", "lease_until", "hinted_at", "progress", "result", "failure")
    )
    job |= {"job_id": status, "owner": "ada", "kind": "query", "status": status, "version": 1}
    job |= {"request": REQUEST, "created_at": AT, "attempt": 0, "deaths": 0, "outages": 0}
    job |= {"cancel_requested": False}
    if earlier >= "0003":
        job["datasets"] = (
            {"5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8": "public"} if values.get("attempt") else None
        )
    if earlier >= "0004":
        job["identity"] = BODY if status == "completed" else None
    return job | values
