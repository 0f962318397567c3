"""What is told of a database that is there and does not take what it is given."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import exc

from syndb_service.errors import TransientError

DATABASE_FULL: Final = "database_full"
DATABASE_REFUSED: Final = "database_refused"
DATABASE_READ_ONLY: Final = "database_read_only"


def disk_full() -> TransientError:
    """Say that the disk of the database is full."""
    return TransientError(
        "the disk of the job database is full",
        code=DATABASE_FULL,
        hint="Nothing was changed, and what was accepted is kept. An operator has to free space.",
    )


def read_only(why: str) -> TransientError:
    """Say that the database takes no rows."""
    return TransientError(
        f"the job database can't be written ({why})",
        code=DATABASE_READ_ONLY,
        hint="Nothing was changed. An operator has to look at it.",
    )


_REFUSALS: Final = (
    (
        r"password authentication failed|no password supplied|authentication failed for user",
        "refuses the service's user or password",
        "Correct the user and the password in SYNDB_DATABASE_URL.",
    ),
    (
        r'role ".*" does not exist|is not permitted to log in',
        "has no such user",
        "Make the role (CREATE ROLE … LOGIN), or correct the user in SYNDB_DATABASE_URL.",
    ),
    (
        r'database ".*" does not exist',
        "has no database of that name",
        "Make it (CREATE DATABASE …), or correct its name in SYNDB_DATABASE_URL.",
    ),
    (
        r"no pg_hba.conf entry|permission denied|must be owner",
        "does not let the service's user do that",
        "Let it in by pg_hba.conf, and make it the owner of its database.",
    ),
)
"""What PostgreSQL says to a client that it does not let in: it gives no code with it."""


def refusal_of(error: exc.SQLAlchemyError) -> TransientError | None:
    """Return what is told where the server is there and refuses: waiting for it would not help."""
    said = str(getattr(error, "orig", None) or "")
    for pattern, told, hint in _REFUSALS:
        if re.search(pattern, said):
            line = next(line for line in said.splitlines() if re.search(pattern, line))
            return TransientError(
                f"the job database {told}: {line.rpartition('FATAL: ')[2].strip()}",
                code=DATABASE_REFUSED,
                hint=hint,
            )
    return None
