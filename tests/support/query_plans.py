"""How a database would look for what the job store asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from benchmarks.questions.many_rows import operations
from benchmarks.records import fill
from syndb_service.store import Database, JobStore


def statements_of(database: Database, work: Callable[[], Any]) -> list[tuple[str, Any]]:
    """Return the statements with parameters that some work sends."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        sent.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return sent


def whole_scans(database: Database) -> dict[str, list[str]]:
    """Return, for each operation, the plans of its statements that read every row of the jobs."""
    fill(database, 300, users=5)
    store = JobStore(database, lambda _: None)
    found: dict[str, list[str]] = {}
    for name, operation in operations(store).items():
        for statement, parameters in statements_of(database, operation):
            if statement.lstrip().startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
                found.setdefault(name, []).extend(plan(database, statement, parameters))
    return {
        name: lines for name, plans in found.items() if (lines := [line for line in plans if reads_all(line)])
    }


def plan(database: Database, statement: str, parameters: Any) -> list[str]:
    """Return the lines of a statement's plan."""
    explain = "EXPLAIN" if database.shared else "EXPLAIN QUERY PLAN"
    with database.engine.connect() as connection:
        if database.shared:
            # with few rows a scan is cheaper; forbidden, it is left where no index would do
            connection.exec_driver_sql("SET enable_seqscan = off")
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
        connection.rollback()
    return [str(row[-1]) for row in rows]


def reads_all(line: str) -> bool:
    """Whether a line of a plan reads every job; the covering walk over an index alone is no better."""
    return line.strip().startswith(("SCAN jobs", "SCAN p", "->  Seq Scan on jobs", "Seq Scan on jobs"))
