"""The order in which pending jobs start: each user's first before anybody's second.

A job's turn is its place among its owner's pending jobs, counted on from the owner's running ones. In the
same turn whoever has more jobs running was there before, and else whoever waits longest since a job of
theirs was started. So users with a thousand jobs each hold up another user's first by one attempt each at
most, even where one job runs at a time and none is running when the next is chosen.
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
    served = _running_per_owner()
    turn = served.c.running + func.row_number().over(
        partition_by=jobs.c.owner, order_by=(jobs.c.created_at, jobs.c.job_id)
    )
    turns = (
        select(jobs.c.job_id, jobs.c.created_at, jobs.c.not_before, served, turn.label("turn"))
        .join(served, served.c.owner == jobs.c.owner)
        .where(jobs.c.status == Status.PENDING)
        .subquery()
    )
    order = (
        turns.c.turn,
        turns.c.running.desc(),
        turns.c.last_start.asc().nulls_first(),
        turns.c.created_at,
        turns.c.job_id,
    )
    position = func.row_number().over(order_by=order)
    return select(turns.c.job_id, turns.c.not_before, position.label("position")).subquery()


def _running_per_owner() -> Subquery:
    """Return, for each owner of pending jobs, how many are running and when the last was started.

    The running ones are counted once for all: a count for each owner was made anew for each pending job,
    over all that the owner ever had.
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
PLACES: Final = select(QUEUE.c.job_id, QUEUE.c.position).where(
    QUEUE.c.job_id.in_(bindparam("job_ids", expanding=True))
)


def next_job(connection: Connection, now: datetime) -> str | None:
    """Return the id of the job whose turn it is; jobs that wait out an outage are passed over."""
    return connection.execute(NEXT, {"now": now}).scalar_one_or_none()


def positions(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """Return the place of each of these jobs in the queue; 1 is the next to start."""
    rows = connection.execute(PLACES, {"job_ids": list(job_ids)}).all()
    return {row.job_id: row.position for row in rows}
