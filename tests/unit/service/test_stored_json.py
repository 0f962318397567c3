"""Rows that a newer version of the service wrote can be read: what it added is passed over."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from syndb_service.domain.datasets import Dataset, TableInfo
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import Failure, JobRequest, Progress, Result
from syndb_service.domain.query_check import QuerySummary
from syndb_service.domain.result_parts import FilePart
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.schema import jobs
from syndb_service.store.upgrade import upgrade

PART = FilePart("neurons", "arrow", 10, 20, "cd" * 32, 3, (("id", "int64"),))
TABLE = TableInfo(3, 100, ("a.parquet",), ("id",), {"id": "1"})
RECORDS: list[Any] = [
    JobRequest(Kind.QUERY, query="SELECT $n", parameters={"n": 1}, tables=("neurons",), reach=("a",)),
    JobRequest(Kind.GRAPH, dataset_id="d", analysis="hubs", options={"top": 3}, advice=("…",), checked=False),
    Result("key", "arrow", 10, 1, (("n", "int64"), ("h", "string", "HUGEINT")), "ab" * 32, parts=(PART,)),
    Failure("invalid_query", "it broke", "mend it", line=2, column=3),
    Progress("sorting", 0.5, 10, 100),
    PART,
    QuerySummary(compared=("a",), limit=3),
    TABLE,
    Dataset(*["x"] * 8, "public", "", {"neurons": TABLE}, {"v": 1}, datetime(2026, 1, 1, tzinfo=UTC)),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def written(record: Any) -> Any:
    stored = record.as_dict() if hasattr(record, "as_dict") else record.to_dict()
    return json.loads(json.dumps(stored))


def with_unknown(stored: Any, unknown: dict[str, Any], known: set[str]) -> Any:
    """Add keys to a record, and to the parts within it."""
    added = {name: value for name, value in unknown.items() if name not in known}
    parts = [with_unknown(part, unknown, known) for part in stored.get("parts", [])]
    return {**stored, **added, **({"parts": parts} if parts else {})}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
@settings(max_examples=20, deadline=None)
@given(unknown=st.dictionaries(st.text(min_size=1, max_size=12), JSON, min_size=1, max_size=3))
def test_what_a_newer_version_added_is_passed_over(record: Any, unknown: dict[str, Any]) -> None:
    known = {"stored_bytes", "id"} | {each.name for kind in (type(record), FilePart) for each in fields(kind)}
    kind = type(record)
    assert kind.from_dict(with_unknown(written(record), unknown, known)) == kind.from_dict(written(record))


def test_an_older_process_reads_rows_of_a_newer_one_and_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    store = JobStore(database, lambda _: None)
    try:
        store.insert(Submission("ada", RECORDS[0]))
        job = store.attempts.claim_next(30)
        assert job is not None
        result: Result = RECORDS[2]
        assert store.attempts.mark_completed(job, result, datetime.now(UTC) + timedelta(hours=1))
        new = {"added_later": {"deep": [1]}}
        with database.write() as connection:
            row = connection.execute(select(jobs)).one()
            newer = {"request": row.request | new, "result": row.result | new, "reason": "archived"}
            progress, failure = written(RECORDS[4]) | new, written(RECORDS[3]) | new
            connection.execute(update(jobs).values(**newer, progress=progress, failure=failure))
        read = store.get(job.job_id)
        assert (read.request, read.result) == (RECORDS[0], result)
        assert (read.progress, read.failure, read.reason) == (RECORDS[4], RECORDS[3], None)
        store.maintenance.note_state(job.job_id, replace(result, state="looked at"))
        with database.read() as connection:
            stored = connection.execute(select(jobs.c.result)).scalar_one()
        assert (stored["added_later"], stored["state"]) == ({"deep": [1]}, "looked at")
    finally:
        database.close()
