"""Counting jobs once for all when they have ended: nobody reads every row to know how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, and_, case, insert, select, update

from syndb_service.store.schema import jobs, tallies
from syndb_service.store.statistics import DESTROYED_SINCE, FINAL, UNCOUNTED, of_destroyed, of_ended
from syndb_service.store.transitions import Transitions

CHUNK: Final = 1000


class Tallying:
    """Adds ended jobs to the tallies, and takes destroyed results from those that are kept."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    def tally_ended(self, limit: int = CHUNK) -> int:
        """Count some rows that are not counted yet; return how many, ``limit`` if there may be more.

        Rows are locked before they are read, and marked in the same transaction.
        """
        with self._transitions.database.write() as connection:
            self._transitions.database.serialize(connection, "tally")
            ended = select(jobs.c.job_id).where(UNCOUNTED, jobs.c.status.in_(FINAL))
            destroyed = select(jobs.c.job_id).where(DESTROYED_SINCE)
            ids = [
                list(connection.execute(chosen.limit(limit).with_for_update()).scalars())
                for chosen in (ended, destroyed)
            ]
            for chosen, count in zip(ids, (of_ended, of_destroyed), strict=True):
                if chosen:
                    _add(connection, count(connection, jobs.c.job_id.in_(chosen)))
                    counted = case((jobs.c.destroyed_at.is_(None), 1), else_=2)
                    where = and_(jobs.c.job_id.in_(chosen), jobs.c.tallied < 2)
                    connection.execute(update(jobs).where(where).values(tallied=counted))
        return max(map(len, ids))


def _add(connection: Connection, changes: Mapping[str, int]) -> None:
    known = set(connection.execute(select(tallies.c.name)).scalars())
    for name, change in sorted(changes.items()):
        if name not in known:
            connection.execute(insert(tallies).values(name=name, value=change))
        elif change:
            more = tallies.c.value + change
            connection.execute(update(tallies).where(tallies.c.name == name).values(value=more))
