"""What the rows say of all jobs together, for whoever watches over the service."""

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
"""Written out, as the condition of a partial index has to be."""
DESTROYED_SINCE: Final = text("tallied = 1 AND destroyed_at IS NOT NULL")
STATUS: Final = func.lower(jobs.c.status)
"""The status, with no index of its own: the rows are chosen by another condition."""
DAMAGED: Final = text("reason IN ('result_damaged', 'result_lost')")


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: how many took up to each of ``STEPS_S`` seconds, and in all."""

    up_to: tuple[int, ...]
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """The figures of all jobs.

    Parameters
    ----------
    queued, running : mapping of str to int
        Jobs by kind.
    oldest_queued_s : float
        Seconds that the job has waited which waits longest; 0 if none does.
    ended : mapping of (kind, status, reason) to int
        Final jobs.
    durations : mapping of (stage, kind) to Durations
        Stages are ``queued`` (until the attempt that counts began) and ``running``.
    retries, deaths, outages : int
        Attempts after a job's first, and why.
    kept_results, kept_bytes, swept_results, swept_bytes : int
        Results that are stored, and that were destroyed.
    swept_orphans, swept_orphan_bytes : int
        Files of no job, or of an attempt that had lost its job, that were removed.
    damaged_results : mapping of str to int
        Kept results whose files are ``result_damaged`` or ``result_lost``.
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
    """Read the figures: what was counted once for all, and what the rows tell that are not counted yet.

    Those are the open jobs and the ones that ended since the last sweep; it is all one snapshot, so that no
    row is counted twice or left out.

    Raises
    ------
    TransientError
        If the database is away.
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
    """Return what some rows add to the tallies, by name; of open jobs that is what they came to so far."""
    return {
        **_count_finished(connection, where),
        **_durations(connection, where, "queued", jobs.c.created_at, jobs.c.started_at),
        **_durations(connection, where, "running", jobs.c.started_at, jobs.c.finished_at),
        **_count_retries(connection, where),
        **_count_results(connection, where),
    }


def of_destroyed(connection: Connection, where: Where) -> dict[str, int]:
    """Return what the destruction of results changes that were counted as kept."""
    swept = _count_results(connection, where)
    return {**swept, **{name.replace("swept", "kept"): -change for name, change in swept.items()}}


def _by_kind(connection: Connection, status: Status) -> dict[str, int]:
    """Count open jobs; none of them is counted once for all."""
    where = (UNCOUNTED, jobs.c.status == status)
    counted = select(jobs.c.kind, func.count()).where(*where).group_by(jobs.c.kind)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _oldest(connection: Connection, now: datetime) -> float:
    oldest = select(func.min(jobs.c.created_at)).where(jobs.c.status == Status.PENDING)
    since: datetime | None = connection.execute(oldest).scalar_one()
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)


def _count_finished(connection: Connection, where: Where) -> dict[str, int]:
    """Count final jobs; a result's destruction is no other end of its job."""
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
    """Count results and their bytes, those that are kept and those that were destroyed."""
    told = [jobs.c.result[key].as_string() for key in ("stored_bytes", "bytes")]
    size = cast(func.coalesce(*told), BigInteger)
    name = case((jobs.c.destroyed_at.is_(None), "kept"), else_="swept")
    summed = (
        select(name, func.count(), func.sum(size)).where(where, STATUS == Status.COMPLETED).group_by(name)
    )
    found: dict[str, int] = {}
    for row in connection.execute(summed):
        found |= {f"{row[0]}_results": int(row[1]), f"{row[0]}_bytes": int(row[2] or 0)}
    return found


def _count_damaged(connection: Connection) -> dict[str, int]:
    """Count the kept results whose files are damaged or lost, by which of the two.

    A result that is destroyed has that for its reason.
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
