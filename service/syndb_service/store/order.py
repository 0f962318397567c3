"""The order in which pending jobs start: each user's first before anybody's second.

A job's turn is its place among its owner's pending jobs, counted on from the owner's running ones. Jobs of
the same turn start in the order in which they were submitted. So a user with a thousand jobs holds up
another user's first by one job at most.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Subquery, bindparam, func, or_, select

from syndb_service.domain.status import Status
from syndb_service.store.database import Instant
from syndb_service.store.schema import jobs


def _queue() -> Subquery:
    running = (
        select(jobs.c.owner, func.count().label("many"))
        .where(jobs.c.status == Status.RUNNING)
        .group_by(jobs.c.owner)
        .subquery()
    )
    submitted = (jobs.c.created_at, jobs.c.job_id)
    turn = func.row_number().over(partition_by=jobs.c.owner, order_by=submitted) + func.coalesce(
        running.c.many, 0
    )
    turns = (
        select(jobs.c.job_id, jobs.c.created_at, jobs.c.not_before, turn.label("turn"))
        .join(running, running.c.owner == jobs.c.owner, isouter=True)
        .where(jobs.c.status == Status.PENDING)
        .subquery()
    )
    position = func.row_number().over(order_by=(turns.c.turn, turns.c.created_at, turns.c.job_id))
    return select(turns.c.job_id, turns.c.not_before, position.label("position")).subquery()


QUEUE: Final = _queue()
NEXT: Final = (
    select(QUEUE.c.job_id)
    .where(or_(QUEUE.c.not_before.is_(None), QUEUE.c.not_before <= bindparam("now", type_=Instant())))
    .order_by(QUEUE.c.position)
    .limit(1)
)
PLACES: Final = select(QUEUE.c.job_id, QUEUE.c.position).where(
    QUEUE.c.job_id.in_(bindparam("job_ids", expanding=True))
)


def next_pending(connection: Connection, now: datetime) -> str | None:
    """Return the id of the job whose turn it is; jobs that wait out an outage are passed over."""
    return connection.execute(NEXT, {"now": now}).scalar_one_or_none()


def positions(connection: Connection, job_ids: Collection[str]) -> dict[str, int]:
    """Return the place of each of these jobs in the queue; 1 is the next to start."""
    rows = connection.execute(PLACES, {"job_ids": list(job_ids)}).all()
    return {row.job_id: row.position for row in rows}
