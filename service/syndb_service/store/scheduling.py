"""Scheduling: the order in which pending jobs start; the first job of each user before the second of any.

The turn of a job is its position among its owner's pending jobs plus the number of the owner's running
jobs. Within a turn, jobs of owners with more running jobs come first, then jobs of the owner whose last
start is longest ago. So a user with a thousand jobs delays the first job of another user by at most one
attempt, even if one job runs at a time and none is running when the next is chosen.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Subquery, bindparam, func, or_, select

from syndb_service.domain.job_status import Status
from syndb_service.store.database import UtcTimestamp
from syndb_service.store.schema import jobs


def _queue() -> Subquery:
    owners = _running_per_owner()
    turn = owners.c.running + func.row_number().over(
        partition_by=jobs.c.owner, order_by=(jobs.c.created_at, jobs.c.job_id)
    )
    pending = (
        select(jobs.c.job_id, jobs.c.created_at, jobs.c.not_before, owners, turn.label("turn"))
        .join(owners, owners.c.owner == jobs.c.owner)
        .where(jobs.c.status == Status.PENDING)
        .subquery()
    )
    order = (
        pending.c.turn,
        pending.c.running.desc(),
        pending.c.last_start.asc().nulls_first(),
        pending.c.created_at,
        pending.c.job_id,
    )
    position = func.row_number().over(order_by=order)
    return select(pending.c.job_id, pending.c.not_before, position.label("position")).subquery()


def _running_per_owner() -> Subquery:
    """Return, for each owner of pending jobs, the number of running jobs and the time of the last start.

    The running jobs are counted in one grouped subquery: a count per owner was computed again for each
    pending job, over all jobs that the owner ever had.
    """
    waiting = select(jobs.c.owner).where(jobs.c.status == Status.PENDING).distinct().subquery("waiting")
    theirs, at_work = jobs.alias(), jobs.alias()
    last_start = (
        select(func.max(theirs.c.started_at)).where(theirs.c.owner == waiting.c.owner).scalar_subquery()
    )
    working = (
        select(at_work.c.owner, func.count().label("running"))
        .where(at_work.c.status == Status.RUNNING)
        .group_by(at_work.c.owner)
        .subquery("working")
    )
    return (
        select(
            waiting.c.owner,
            func.coalesce(working.c.running, 0).label("running"),
            last_start.label("last_start"),
        )
        .join_from(waiting, working, working.c.owner == waiting.c.owner, isouter=True)
        .subquery("served")
    )


QUEUE: Final = _queue()
NEXT: Final = (
    select(QUEUE.c.job_id)
    .where(or_(QUEUE.c.not_before.is_(None), QUEUE.c.not_before <= bindparam("now", type_=UtcTimestamp())))
    .order_by(QUEUE.c.position)
    .limit(1)
)
POSITIONS: Final = select(QUEUE.c.job_id, QUEUE.c.position).where(
    QUEUE.c.job_id.in_(bindparam("job_ids", expanding=True))
)


def next_job(connection: Connection, now: datetime) -> str | None:
    """Return the id of the next job to start; jobs that pause after an outage are skipped."""
    return connection.execute(NEXT, {"now": now}).scalar_one_or_none()


def positions(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """Return the position of each of these jobs in the queue; 1 is the next to start."""
    rows = connection.execute(POSITIONS, {"job_ids": list(job_ids)}).all()
    return {row.job_id: row.position for row in rows}
