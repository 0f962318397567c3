"""Tallies of ended jobs: each row is counted once, so that statistics need not read every row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, and_, case, insert, select, update

from syndb_service.store.schema import jobs, tallies
from syndb_service.store.statistics import DESTROYED_SINCE, FINAL, UNCOUNTED, of_destroyed, of_ended
from syndb_service.store.transitions import Transitions

CHUNK: Final = 1000


class Tallying:
    """The counts of ended jobs, of stored results and of deleted results."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def tally_ended(self, limit: int = CHUNK) -> int:
        """Count up to ``limit`` rows that are not counted yet; return how many were counted.

        Rows are locked before they are read, and marked in the same transaction.
        """
        with self._transitions.database.write() as connection:
            self._transitions.database.serialize(connection, "tally")
            ended = select(jobs.c.job_id).where(UNCOUNTED, jobs.c.status.in_(FINAL))
            destroyed = select(jobs.c.job_id).where(DESTROYED_SINCE)
            ids = [
                list(connection.execute(uncounted.limit(limit).with_for_update()).scalars())
                for uncounted in (ended, destroyed)
            ]
            for job_ids, count in zip(ids, (of_ended, of_destroyed), strict=True):
                if job_ids:
                    _add(connection, count(connection, jobs.c.job_id.in_(job_ids)))
                    counted = case((jobs.c.destroyed_at.is_(None), 1), else_=2)
                    where = and_(jobs.c.job_id.in_(job_ids), jobs.c.tallied < 2)
                    connection.execute(update(jobs).where(where).values(tallied=counted))
        return max(map(len, ids))


def _add(connection: Connection, changes: Mapping[str, int]) -> None:
    known = set(connection.execute(select(tallies.c.name)).scalars())
    for name, change in sorted(changes.items()):
        if name not in known:
            connection.execute(insert(tallies).values(name=name, value=change))
        elif change:
            total = tallies.c.value + change
            connection.execute(update(tallies).where(tallies.c.name == name).values(value=total))
