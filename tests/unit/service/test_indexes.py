"""No question of users, workers or the sweeper reads every row: their indexes are there, and used."""

from __future__ import annotations

from pathlib import Path

from syndb_service.store import Database, JobStore
from syndb_service.store.upgrade import upgrade
from tests.support.query_plans import plan, reads_all, statements_of, whole_scans


def test_no_question_reads_every_row(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    assert whole_scans(database) == {}
    store = JobStore(database, lambda _: None)
    ((statement, parameters),) = [
        each for each in statements_of(database, store.maintenance.list_expired) if "SELECT" in each[0]
    ]
    assert "jobs_by_expiry" in str(plan(database, statement, parameters)), (
        "all that was ever completed is read"
    )
    lines = plan(database, "SELECT count(*) FROM jobs WHERE worker = 'somebody'", ())
    assert any(map(reads_all, lines)), "what no index helps is found"
    database.close()
