"""Tokens: 256 random bits, of which only a hash is stored."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from syndb_service.domain.access import AcademicStatus, Principal
from syndb_service.errors import NotFound, TransientError, Unauthenticated
from syndb_service.store.database import Database
from syndb_service.store.groups import academic_status_of, groups_of
from syndb_service.store.schema import memberships, standings, tokens

KNOWN = (
    select(
        tokens,
        standings.c.issuer,
        standings.c.affiliation,
        standings.c.verified_at,
        memberships.c.group_name,
    )
    .join(standings, standings.c.user == tokens.c.user, isouter=True)
    .join(memberships, memberships.c.user == tokens.c.user, isouter=True)
)
"""A token with the groups and the academic status of its user, in one statement: each request reads it."""

LAST_USED_STEP = timedelta(minutes=1)
NOTE_TIMEOUT_S = 0.05


@dataclass(frozen=True, slots=True)
class StoredToken:
    """The record of a token, without the token itself."""

    token_id: str
    user: str
    academic: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class TokenStore:
    """The tokens of the service: create, verify, list and revoke.

    Parameters
    ----------
    database : Database
        The database of the rows.
    academic_days : float
        Days for which an academic status is valid after an issuer reported it.
    """

    def __init__(self, database: Database, academic_days: float) -> None:
        self._database = database
        self._academic = timedelta(days=academic_days)

    def create(self, user: str, *, academic: bool, days: float | None = None) -> str:
        """Issue a token and return it; it can't be shown again.

        Parameters
        ----------
        user : str
            The user that the token authenticates.
        academic : bool
            Whether the user's academic status was verified.
        days : float, optional
            Days until it expires; never, if None.
        """
        token = f"syndb_{secrets.token_urlsafe(32)}"
        now = self._database.now()
        with self._database.write() as connection:
            connection.execute(
                insert(tokens).values(
                    token_id=secrets.token_hex(4),
                    token_sha256=_digest(token),
                    user=user,
                    academic=academic,
                    created_at=now,
                    expires_at=None if days is None else now + timedelta(days=days),
                )
            )
        return token

    def verify(self, token: str) -> Principal:
        """Return the principal of a token, with current groups and academic status.

        Raises
        ------
        Unauthenticated
            If the token is unknown, expired or revoked; the message says which of the last two.
        """
        with self._database.read() as connection:
            rows = connection.execute(KNOWN.where(tokens.c.token_sha256 == _digest(token))).all()
        row = rows[0] if rows else None
        now = self._database.now()
        if row is None:
            raise Unauthenticated(
                "this token is unknown", hint="Check that it was copied whole, or ask for a new one."
            )
        if row.revoked_at is not None:
            raise Unauthenticated(
                f"this token was revoked on {row.revoked_at:%Y-%m-%d}", hint="Ask for a new one."
            )
        if row.expires_at is not None and row.expires_at <= now:
            raise Unauthenticated(
                f"this token expired on {row.expires_at:%Y-%m-%d}", hint="Ask for a new one."
            )
        if row.last_used_at is None or now - row.last_used_at > LAST_USED_STEP:
            self._note_use(row.token_id, now)
        reported = (
            None if row.issuer is None else AcademicStatus(row.issuer, row.affiliation, row.verified_at)
        )
        status = self._valid_status(reported, now)
        return Principal(
            user=row.user,
            academic=row.academic or status is not None,
            groups=frozenset(group.group_name for group in rows if group.group_name is not None),
            standing=status,
            token_id=row.token_id,
            expires_at=row.expires_at,
        )

    def principal(self, user: str) -> Principal:
        """Return the principal of a user without a token, with current groups and academic status."""
        with self._database.read() as connection:
            groups, reported = groups_of(connection, user), academic_status_of(connection, user)
        status = self._valid_status(reported, self._database.now())
        return Principal(user, status is not None, groups, status)

    def _valid_status(self, status: AcademicStatus | None, now: datetime) -> AcademicStatus | None:
        """Return the academic status, or None if its last report is older than ``academic_days``."""
        return status if status is not None and status.verified_at + self._academic > now else None

    def _note_use(self, token_id: str, now: datetime) -> None:
        """Write the time of a token's last use; skip that if the database accepts no writes."""
        with (
            contextlib.suppress(TransientError),
            self._database.write(timeout_s=NOTE_TIMEOUT_S) as connection,
        ):
            unnoted = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < now - LAST_USED_STEP)
            connection.execute(
                update(tokens).where(tokens.c.token_id == token_id, unnoted).values(last_used_at=now)
            )

    def list(self) -> list[StoredToken]:
        """Return every token's record, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.created_at)).all()
            reported = {user: academic_status_of(connection, user) for user in {row.user for row in rows}}
        now = self._database.now()
        return [_record(row, self._valid_status(reported[row.user], now) is not None) for row in rows]

    def revoke(self, token_id: str) -> None:
        """Revoke a token at once; one that is already revoked keeps its time of revocation.

        Raises
        ------
        NotFound
            If there is no token of that id.
        """
        now = self._database.now()
        with self._database.write() as connection:
            known = connection.execute(select(tokens.c.token_id).where(tokens.c.token_id == token_id)).first()
            connection.execute(
                update(tokens)
                .where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )
        if known is None:
            raise NotFound(f"there is no token {token_id!r}", hint="`syndb-lab token list` shows the ids.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _record(row: Row[Any], verified: bool) -> StoredToken:
    return StoredToken(
        row.token_id,
        row.user,
        row.academic or verified,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
    )
