"""Errors of a database that responds and refuses: full disk, read-only, wrong user or database."""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import exc

from syndb_service.errors import TransientError

DATABASE_FULL: Final = "database_full"
DATABASE_REFUSED: Final = "database_refused"
DATABASE_READ_ONLY: Final = "database_read_only"


def disk_full() -> TransientError:
    """Return the error of a full disk of the database."""
    return TransientError(
        "the disk of the job database is full",
        code=DATABASE_FULL,
        hint="Nothing was changed, and what was accepted is kept. An operator has to free space.",
    )


def read_only(reason: str) -> TransientError:
    """Return the error of a database that accepts no writes."""
    return TransientError(
        f"the job database can't be written ({reason})",
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
        "Allow it in pg_hba.conf, and make it the owner of its database.",
    ),
)
"""Messages of PostgreSQL to a client that it rejects; the driver gives no error code with them."""


def refusal_of(error: exc.SQLAlchemyError) -> TransientError | None:
    """Return the error if the server responds and rejects the service; None for any other error."""
    text = str(getattr(error, "orig", None) or "")
    for pattern, problem, hint in _REFUSALS:
        if re.search(pattern, text):
            line = next(line for line in text.splitlines() if re.search(pattern, line))
            return TransientError(
                f"the job database {problem}: {line.rpartition('FATAL: ')[2].strip()}",
                code=DATABASE_REFUSED,
                hint=hint,
            )
    return None
