"""7. Many rows: the cost of each database operation compared with its cost at 100 records."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from sqlalchemy import text

from benchmarks.locations import SKIPPED, Bench
from benchmarks.records import LISTED_USER, fill
from benchmarks.statistics import Answer, Row, Target
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import JobRequest
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade

TITLE: Final = "7. Many rows behind: 100,000 records of 500 users, beside 100 records"
FEW: Final = 100
REQUEST: Final = JobRequest(kind=Kind.QUERY, query="SELECT 1")


def answer(bench: Bench) -> Answer:
    """Run the same operations alternately on two databases, with SQLite and with PostgreSQL."""
    answer = Answer(TITLE)
    many = bench.many(100_000, 2_000)
    folder = bench.fresh_folder("rows")
    answer.rows += compare(bench, "SQLite", many, lambda name: f"sqlite:///{folder / name}.sqlite")
    try:
        postgres = bench.servers().postgres
        label = folder.name.replace("-", "_")
        answer.rows += compare(
            bench, "PostgreSQL", many, lambda name: postgres.make_database(f"{label}_{name}")
        )
    except SKIPPED as missing:
        answer.missing.append(f"PostgreSQL: {missing}")
    answer.notes.append(
        "PostgreSQL has its statistics, as its autovacuum gathers them; SQLite has none, as in the service. "
        "20 jobs are pending in both; of the records a third is kept, a third destroyed, a third failed or "
        "cancelled. A page has 50 records of a user with 60. A claim is given back before the next."
    )
    return answer


def compare(bench: Bench, engine: str, many: int, url: Callable[[str], str]) -> list[Row]:
    """Measure the cost of each operation with few and with many records."""
    took: dict[int, dict[str, list[float]]] = {FEW: {}, many: {}}
    with ExitStack() as stack:
        stores = {}
        for records in took:
            database = Database(url(f"r{records}"))
            stack.callback(database.close)
            upgrade(database)
            fill(database, records)
            if database.shared:
                with database.write() as connection:
                    connection.execute(text("ANALYZE"))
            stores[records] = JobStore(database, lambda _: None)
        for _ in range(bench.many(60, 3)):
            for records, store in stores.items():
                for name, operation in operations(store).items():
                    began = time.perf_counter()
                    operation()
                    took[records].setdefault(name, []).append(1000 * (time.perf_counter() - began))
    rows = []
    for name, samples in took[many].items():
        few = f"{engine}: {name}, {FEW} records"
        rows.append(Row(f"{engine}: {name}", samples, against=few, targets=(Target("ratio", 2),)))
        rows.append(Row(few, took[FEW][name]))
    return rows


def operations(store: JobStore) -> dict[str, Callable[[], Any]]:
    """Return the store operations of users, workers and the sweeper."""
    _, cursor = store.list(LISTED_USER, limit=30)

    def claim() -> None:
        job = store.attempts.claim_next(60, "bench")
        assert job is not None
        store.attempts.requeue(job, Reason.QUEUED)

    def submit() -> None:
        job, _ = store.insert(Submission(owner=LISTED_USER, request=REQUEST), 5000)
        store.request_cancel(job.job_id, LISTED_USER)

    return {
        "list": lambda: store.list(LISTED_USER, limit=50),
        "filter": lambda: store.list(LISTED_USER, statuses=[Status.FAILED], label="label 3", limit=50),
        "next page": lambda: store.list(LISTED_USER, limit=50, cursor=cursor),
        "submit and cancel": submit,
        "claim and give back": claim,
        "sweep": lambda: (
            store.maintenance.list_lapsed(),
            store.maintenance.list_expired(),
            store.maintenance.claim_undispatched(3600, 4),
        ),
    }
