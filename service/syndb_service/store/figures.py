"""What the rows say of all jobs together, for whoever watches over the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, case, cast, func, select, type_coerce

from syndb_service.domain.status import Reason, Status
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
FINAL: Final = [status for status in Status if status.final]


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took: how many took up to each of ``STEPS_S`` seconds, and in all."""

    up_to: tuple[int, ...]
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
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


def read_figures(database: Database) -> Figures:
    """Read the figures.

    Raises
    ------
    TransientError
        If the database is away.
    """
    now = database.now()
    with database.read() as connection:
        kept_results, kept_bytes = _stored(connection, jobs.c.destroyed_at.is_(None))
        swept_results, swept_bytes = _stored(connection, jobs.c.destroyed_at.is_not(None))
        retries, deaths, outages = _again(connection)
        tallied = {row.name: row.value for row in connection.execute(select(tallies))}
        return Figures(
            queued=_by_kind(connection, Status.PENDING),
            running=_by_kind(connection, Status.RUNNING),
            oldest_queued_s=_oldest(connection, now),
            ended=_ended(connection),
            durations=_durations(connection, "queued", jobs.c.created_at, jobs.c.started_at)
            | _durations(connection, "running", jobs.c.started_at, jobs.c.finished_at),
            retries=retries,
            deaths=deaths,
            outages=outages,
            kept_results=kept_results,
            kept_bytes=kept_bytes,
            swept_results=swept_results,
            swept_bytes=swept_bytes,
            swept_orphans=tallied["swept_orphans"],
            swept_orphan_bytes=tallied["swept_orphan_bytes"],
            damaged_results=_damaged(connection),
        )


def _by_kind(connection: Connection, status: Status) -> dict[str, int]:
    counted = select(jobs.c.kind, func.count()).where(jobs.c.status == status).group_by(jobs.c.kind)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _oldest(connection: Connection, now: datetime) -> float:
    oldest = select(func.min(jobs.c.created_at)).where(jobs.c.status == Status.PENDING)
    since: datetime | None = connection.execute(oldest).scalar_one()
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)


def _ended(connection: Connection) -> dict[tuple[str, str, str], int]:
    """Count final jobs; a result's destruction is no other end of its job."""
    reason = case((jobs.c.status == Status.COMPLETED, ""), else_=func.coalesce(jobs.c.reason, ""))
    columns = (jobs.c.kind, jobs.c.status, reason)
    counted = select(*columns, func.count()).where(jobs.c.status.in_(FINAL)).group_by(*columns)
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(counted)}


def _again(connection: Connection) -> tuple[int, int, int]:
    more = case((jobs.c.attempt > 1, jobs.c.attempt - 1), else_=0)
    summed = select(func.sum(more), func.sum(jobs.c.deaths), func.sum(jobs.c.outages))
    retries, deaths, outages = connection.execute(summed).one()
    return int(retries or 0), int(deaths or 0), int(outages or 0)


def _stored(connection: Connection, where: ColumnElement[bool]) -> tuple[int, int]:
    told = [jobs.c.result[name].as_string() for name in ("stored_bytes", "bytes")]
    size = cast(func.coalesce(*told), BigInteger)
    summed = select(func.count(), func.sum(size)).where(jobs.c.status == Status.COMPLETED, where)
    count, size_in_all = connection.execute(summed).one()
    return int(count), int(size_in_all or 0)


def _damaged(connection: Connection) -> dict[str, int]:
    """Count the kept results whose files are damaged or lost, by which of the two."""
    damaged = (
        jobs.c.destroyed_at.is_(None),
        jobs.c.status == Status.COMPLETED,
        jobs.c.reason.in_(DAMAGES),
    )
    counted = select(jobs.c.reason, func.count()).where(*damaged).group_by(jobs.c.reason)
    return {row[0]: row[1] for row in connection.execute(counted)}


def _durations(
    connection: Connection, stage: str, begin: Column[Any], end: Column[Any]
) -> dict[tuple[str, str], Durations]:
    took = type_coerce(end, BigInteger) - type_coerce(begin, BigInteger)
    steps = [func.sum(case((took <= round(step * 1e6), 1), else_=0)) for step in STEPS_S]
    counted = (
        select(jobs.c.kind, func.count(), func.sum(took), *steps)
        .where(begin.is_not(None), end.is_not(None))
        .group_by(jobs.c.kind)
    )
    return {
        (stage, row[0]): Durations(tuple(int(n) for n in row[3:]), row[1], float(row[2]) / 1e6)
        for row in connection.execute(counted)
    }
