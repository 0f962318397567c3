"""Group memberships, and the academic status of users as issuers reported it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from syndb_service.domain.access import AcademicStatus
from syndb_service.errors import NotFound
from syndb_service.store.database import Database
from syndb_service.store.schema import memberships, standings

BY_OPERATOR = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """A user in a group; ``issuer`` reported the membership, and is empty if an operator added it."""

    group: str
    user: str
    issuer: str


class GroupStore:
    """The rows of groups and of academic status.

    Parameters
    ----------
    database : Database
        The database of the rows.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups_of(self, user: str) -> frozenset[str]:
        """Return the groups of a user."""
        with self._database.read() as connection:
            return groups_of(connection, user)

    def memberships(self) -> Sequence[Membership]:
        """Return all memberships, ordered by group and user."""
        order = (memberships.c.group_name, memberships.c.user, memberships.c.issuer)
        with self._database.read() as connection:
            rows = connection.execute(select(memberships).order_by(*order)).all()
        return [Membership(row.group_name, row.user, row.issuer) for row in rows]

    def add(self, group: str, user: str) -> None:
        """Add a user to a group; a user who is in it stays in it."""
        with self._database.write() as connection:
            self._database.serialize(connection, f"groups {user}")
            connection.execute(delete(memberships).where(_by_operator(group, user)))
            connection.execute(insert(memberships).values(group_name=group, user=user, issuer=BY_OPERATOR))

    def remove(self, group: str, user: str) -> None:
        """Remove a user from a group to which an operator added them.

        Raises
        ------
        NotFound
            If no operator has added them.
        """
        with self._database.write() as connection:
            removed = connection.execute(delete(memberships).where(_by_operator(group, user))).rowcount
        if not removed:
            raise NotFound(
                f"no operator has put {user!r} into the group {group!r}",
                hint="`syndb-lab group list` shows who is where; an issuer's groups are its own to change.",
            )

    def record(
        self, user: str, issuer: str, *, affiliation: str | None, groups: Iterable[str] | None
    ) -> None:
        """Store what an issuer reports of a user; it replaces the issuer's earlier report.

        Parameters
        ----------
        user, issuer : str
            The user, and the issuer that reports.
        affiliation : str, optional
            The affiliation that makes the user academic; None removes the academic status.
        groups : iterable of str, optional
            The user's groups at the issuer; None leaves them unchanged.
        """
        with self._database.write() as connection:
            self._database.serialize(connection, f"groups {user}")
            connection.execute(delete(standings).where(standings.c.user == user))
            if affiliation is not None:
                connection.execute(
                    insert(standings).values(
                        user=user,
                        issuer=issuer,
                        affiliation=affiliation[:255],
                        verified_at=self._database.now(),
                    )
                )
            if groups is None:
                return
            connection.execute(
                delete(memberships).where(memberships.c.user == user, memberships.c.issuer == issuer)
            )
            for group in sorted(set(groups)):
                connection.execute(insert(memberships).values(group_name=group, user=user, issuer=issuer))


def groups_of(connection: Connection, user: str) -> frozenset[str]:
    """Return the groups of a user."""
    rows = connection.execute(select(memberships.c.group_name).where(memberships.c.user == user)).all()
    return frozenset(row.group_name for row in rows)


def academic_status_of(connection: Connection, user: str) -> AcademicStatus | None:
    """Return a user's academic status as an issuer last reported it; None without one."""
    row = connection.execute(select(standings).where(standings.c.user == user)).one_or_none()
    return None if row is None else AcademicStatus(row.issuer, row.affiliation, row.verified_at)


def _by_operator(group: str, user: str) -> ColumnElement[bool]:
    return and_(
        memberships.c.group_name == group,
        memberships.c.user == user,
        memberships.c.issuer == BY_OPERATOR,
    )
