"""Statistics of all jobs, for the operators' metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    TextClause,
    case,
    cast,
    func,
    select,
    text,
    type_coerce,
)

from syndb_service.domain.job_status import Reason, Status
from syndb_service.store.database import Database
from syndb_service.store.schema import jobs, tallies

STEPS_S: Final = (
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
    3600.0,
    14400.0,
    86400.0,
)
DAMAGES: Final = (Reason.RESULT_DAMAGED, Reason.RESULT_LOST)
Where = ColumnElement[bool] | TextClause
FINAL: Final = [status for status in Status if status.final]


DURATION_FIELDS: Final = ("count", "us", *(f"le{number}" for number in range(len(STEPS_S))))
PLAIN: Final = (
    *("retries", "deaths", "outages"),
    *("kept_results", "kept_bytes", "swept_results", "swept_bytes", "swept_orphans", "swept_orphan_bytes"),
)
UNCOUNTED: Final = text("tallied = 0")
"""Literal SQL, because the planner matches the condition of a partial index by its text."""
DESTROYED_SINCE: Final = text("tallied = 1 AND destroyed_at IS NOT NULL")
STATUS: Final = func.lower(jobs.c.status)
"""The status as an expression without an index, so that the planner uses that of the other condition."""
DAMAGED: Final = text("reason IN ('result_damaged', 'result_lost')")


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of durations: the number up to each of ``STEPS_S`` seconds, the count, the sum."""

    up_to: tuple[int, ...]
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """Statistics of all jobs.

    Parameters
    ----------
    queued, running : mapping of str to int
        Jobs by kind.
    oldest_queued_s : float
        Seconds since the oldest pending job was submitted; 0 if none is pending.
    ended : mapping of (kind, status, reason) to int
        Final jobs.
    durations : mapping of (stage, kind) to Durations
        Stages are ``queued`` (until the last attempt started) and ``running``.
    retries, deaths, outages : int
        Attempts after the first of each job, crashes, and outages.
    kept_results, kept_bytes, swept_results, swept_bytes : int
        Results that are stored, and results that were deleted.
    swept_orphans, swept_orphan_bytes : int
        Deleted files of unknown jobs, or of attempts that had lost their job.
    damaged_results : mapping of str to int
        Stored results whose files are ``result_damaged`` or ``result_lost``.
    """

    queued: Mapping[str, int]
    running: Mapping[str, int]
    oldest_queued_s: float
    ended: Mapping[tuple[str, str, str], int]
    durations: Mapping[tuple[str, str], Durations]
    retries: int
    deaths: int
    outages: int
    kept_results: int
    kept_bytes: int
    swept_results: int
    swept_bytes: int
    swept_orphans: int
    swept_orphan_bytes: int
    damaged_results: Mapping[str, int]


def read_statistics(database: Database) -> JobStatistics:
    """Read the statistics: the tallies, plus the rows that are not counted in them yet.

    Those are the open jobs and the jobs that ended since the last sweep. All reads are in one snapshot, so
    that no row is counted twice or omitted.

    Raises
    ------
    TransientError
        If the database is unavailable.
    """
    now = database.now()
    with database.snapshot() as connection:
        counted = {row.name: row.value for row in connection.execute(select(tallies))}
        for changes in (of_ended(connection, UNCOUNTED), of_destroyed(connection, DESTROYED_SINCE)):
            for name, change in changes.items():
                counted[name] = counted.get(name, 0) + change
        return JobStatistics(
            queued=_by_kind(connection, Status.PENDING),
            running=_by_kind(connection, Status.RUNNING),
            oldest_queued_s=_oldest(connection, now),
            ended=_ended_in(counted),
            durations=_durations_in(counted),
            damaged_results=_count_damaged(connection),
            **{name: counted.get(name, 0) for name in PLAIN},
        )


def of_ended(connection: Connection, where: Where) -> dict[str, int]:
    """Return the increments of the tallies for the selected rows, by name; open jobs count as they are."""
    return {
        **_count_finished(connection, where),
        **_durations(connection, where, "queued", jobs.c.created_at, jobs.c.started_at),
        **_durations(connection, where, "running", jobs.c.started_at, jobs.c.finished_at),
        **_count_retries(connection, where),
        **_count_results(connection, where),
    }


def of_destroyed(connection: Connection, where: Where) -> dict[str, int]:
    """Return the changes of the tallies for results that were counted as kept and then deleted."""
    swept = _count_results(connection, where)
    return {**swept, **{name.replace("swept", "kept"): -change for name, change in swept.items()}}


def _by_kind(connection: Connection, status: Status) -> dict[str, int]:
    """Count open jobs by kind; none of them is in the tallies."""
    where = (UNCOUNTED, jobs.c.status == status)
    counted = select(jobs.c.kind, func.count()).where(*where).group_by(jobs.c.kind)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _oldest(connection: Connection, now: datetime) -> float:
    oldest = select(func.min(jobs.c.created_at)).where(jobs.c.status == Status.PENDING)
    since: datetime | None = connection.execute(oldest).scalar_one()
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)


def _count_finished(connection: Connection, where: Where) -> dict[str, int]:
    """Count final jobs by kind, status and reason; a completed job stays completed without its result."""
    reason = case((jobs.c.status == Status.COMPLETED, ""), else_=func.coalesce(jobs.c.reason, ""))
    columns = (jobs.c.kind, jobs.c.status, reason)
    counted = select(*columns, func.count()).where(where, STATUS.in_(FINAL)).group_by(*columns)
    return {f"ended/{row[0]}/{row[1]}/{row[2]}": row[3] for row in connection.execute(counted)}


def _ended_in(counted: Mapping[str, int]) -> dict[tuple[str, str, str], int]:
    found = {}
    for name, count in counted.items():
        if name.startswith("ended/"):
            _, kind, status, reason = name.split("/")
            found[kind, status, reason] = count
    return found


def _count_retries(connection: Connection, where: Where) -> dict[str, int]:
    more = case((jobs.c.attempt > 1, jobs.c.attempt - 1), else_=0)
    summed = select(func.sum(more), func.sum(jobs.c.deaths), func.sum(jobs.c.outages)).where(where)
    found = connection.execute(summed).one()
    return {
        name: int(value or 0) for name, value in zip(("retries", "deaths", "outages"), found, strict=True)
    }


def _count_results(connection: Connection, where: Where) -> dict[str, int]:
    """Count results and their bytes, those that are stored and those that were deleted."""
    sizes = [jobs.c.result[key].as_string() for key in ("stored_bytes", "bytes")]
    size = cast(func.coalesce(*sizes), BigInteger)
    name = case((jobs.c.destroyed_at.is_(None), "kept"), else_="swept")
    summed = (
        select(name, func.count(), func.sum(size)).where(where, STATUS == Status.COMPLETED).group_by(name)
    )
    found: dict[str, int] = {}
    for row in connection.execute(summed):
        found |= {f"{row[0]}_results": int(row[1]), f"{row[0]}_bytes": int(row[2] or 0)}
    return found


def _count_damaged(connection: Connection) -> dict[str, int]:
    """Count the stored results whose files are damaged or lost, by reason.

    A deleted result has the reason ``expired`` instead.
    """
    damaged = (DAMAGED, STATUS == Status.COMPLETED)
    counted = select(jobs.c.reason, func.count()).where(*damaged).group_by(jobs.c.reason)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _durations(
    connection: Connection, where: Where, stage: str, begin: Column[Any], end: Column[Any]
) -> dict[str, int]:
    took = type_coerce(end, BigInteger) - type_coerce(begin, BigInteger)
    steps = [func.sum(case((took <= round(step * 1e6), 1), else_=0)) for step in STEPS_S]
    counted = (
        select(jobs.c.kind, func.count(), func.sum(took), *steps)
        .where(where, begin.is_not(None), end.is_not(None))
        .group_by(jobs.c.kind)
    )
    return {
        f"{stage}/{row[0]}/{field}": int(value)
        for row in connection.execute(counted)
        for field, value in zip(DURATION_FIELDS, row[1:], strict=True)
    }


def _durations_in(counted: Mapping[str, int]) -> dict[tuple[str, str], Durations]:
    found: dict[tuple[str, str], list[int]] = {}
    for name, value in counted.items():
        stage, _, of_stage = name.partition("/")
        if stage in ("queued", "running"):
            kind, _, field = of_stage.partition("/")
            values = found.setdefault((stage, kind), [0] * len(DURATION_FIELDS))
            values[DURATION_FIELDS.index(field)] = value
    return {
        key: Durations(tuple(up_to), count, microseconds / 1e6)
        for key, (count, microseconds, *up_to) in found.items()
    }
