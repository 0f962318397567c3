"""The check after every storm."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from syndb_service.domain.job_status import TRANSITIONS, Status
from syndb_service.results import ResultStore
from syndb_service.store import Database
from syndb_service.store.schema import job_events, jobs
from tests.support.faults.storm_jobs import User

SETTLE_S = 240
SWEEP_S = 120


@dataclass
class Report:
    """What a storm was, and what it did."""

    name: str
    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    fault_times: list[datetime] = field(default_factory=list)
    accepted: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    rescues_s: list[float] = field(default_factory=list)

    def row(self) -> str:
        """Return a line of the table."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items()))
        rescue = "–"
        if self.rescues_s:
            rescue = f"{statistics.median(self.rescues_s):.1f} / {max(self.rescues_s):.1f}"
        counts = f"{len(self.lost)} | {len(self.doubled)} | {len(self.wrong)}"
        total = sum(self.faults.values())
        return f"| {self.name} | {self.seed} | {self.accepted} | {total} ({kinds}) | {rescue} | {counts} |"


def settle(users: Iterable[User], report: Report, without_file: Collection[str] = ()) -> None:
    """Wait until every accepted job is final; compare each with what was wanted.

    ``without_file`` are the jobs whose result was destroyed on purpose: there is nothing to download.
    """
    until = time.monotonic() + SETTLE_S
    for user in users:
        for thread in user.cancels:
            thread.join()
        for job_id, wanted in user.accepted.items():
            report.accepted += 1
            record = user.outcome(job_id, until)
            if record["status"] != wanted.status:
                cancelled_late = wanted.status == "cancelled" and record["status"] == "completed"
                if not cancelled_late:
                    report.lost.append(f"{job_id}: {record}")
                continue
            if record["status"] != "completed" or job_id in without_file:
                continue
            content = user.stubborn("GET", f"/v1/jobs/{job_id}/result").content
            right_bytes = hashlib.sha256(content).hexdigest() == record["result"]["sha256"]
            if not right_bytes or not wanted.right(content):
                report.wrong.append(job_id)


def read_events(database: Database, report: Report) -> None:
    """Every move was allowed and each job ended once; how long did rescues take?"""
    with database.read() as connection:
        rows = connection.execute(select(job_events).order_by(job_events.c.event_id)).all()
    told: dict[str, list[tuple[Status, datetime]]] = {}
    for row in rows:
        told.setdefault(row.job_id, []).append((Status(row.status), row.at))
    for job_id, events in told.items():
        finals = [status for status, _ in events if status.final]
        if len(finals) != 1 or events[-1][0] is not finals[0]:
            report.doubled.append(job_id)
        for (before, requeued_at), (after, at) in pairwise(events):
            assert after in TRANSITIONS[before], f"{job_id}: {events}"
            faults = [fault for fault in report.fault_times if fault <= requeued_at]
            if (
                before is Status.PENDING
                and after is Status.RUNNING
                and events[0][1] != requeued_at
                and faults
            ):
                report.rescues_s.append((at - faults[-1]).total_seconds())


def nothing_left(
    database: Database, results: ResultStore, temp_path: Path, without_file: Collection[str] = ()
) -> None:
    """After a sweep the store holds the visible results and nothing else, and no temporary folder is left."""
    kept = (jobs.c.status == Status.COMPLETED, jobs.c.destroyed_at.is_(None))
    with database.read() as connection:
        rows = connection.execute(select(jobs.c.job_id, jobs.c.result).where(*kept)).all()
    visible = {row.result["key"] for row in rows if row.job_id not in without_file}
    until = time.monotonic() + SWEEP_S
    while True:
        stored = {key for _, keys in results.listing() for key in keys}
        folders = list(temp_path.iterdir()) if temp_path.exists() else []
        if stored == visible and not folders:
            return
        assert time.monotonic() < until, f"left: {stored ^ visible}, {folders}"
        time.sleep(0.2)
