"""Access to datasets: all users may read public datasets; restricted ones name their readers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

READER_RULE: Final = "user:NAME or group:NAME, each name of 1 to 255 printable characters"
GROUP_RULE: Final = "1 to 100 letters, digits, '_', '-', '.', ':' and '/', the first a letter or a digit"
_GROUP: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")


@dataclass(frozen=True, slots=True)
class AcademicStatus:
    """The academic status of a user, as an issuer reported it.

    Parameters
    ----------
    issuer : str
        The issuer that reported it.
    affiliation : str
        The reported affiliation: ``staff@example.edu``.
    verified_at : datetime
        Time of the report, in UTC.
    """

    issuer: str
    affiliation: str
    verified_at: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated user of a request.

    Parameters
    ----------
    user : str
        The user: a name that an operator chose, or ``ISSUER#SUBJECT``.
    academic : bool
        Whether the academic status is verified and still valid.
    groups : frozenset of str
        The user's groups.
    standing : AcademicStatus, optional
        The report of an issuer on it.
    token_id : str, optional
        The token of the request.
    expires_at : datetime, optional
        Time when that token expires.
    """

    user: str
    academic: bool
    groups: frozenset[str] = frozenset()
    standing: AcademicStatus | None = None
    token_id: str | None = None
    expires_at: datetime | None = None


def may_read(user: str, groups: Iterable[str], visibility: str, readers: Iterable[str]) -> bool:
    """Return whether a user in these groups may read a dataset of this visibility and these readers.

    Examples
    --------
    >>> may_read("ada", {"lab"}, "restricted", ["group:lab"])
    True
    >>> may_read("eve", (), "restricted", ["user:ada", "group:lab"])
    False
    """
    if visibility == "public":
        return True
    keys = {f"user:{user}", *(f"group:{group}" for group in groups)}
    return not keys.isdisjoint(readers)


def parse_reader(text: str) -> str:
    """Parse a reader; return it as it is stored.

    Raises
    ------
    ValueError
        If it is no reader; the message contains the allowed form.

    Examples
    --------
    >>> parse_reader(" user:ada ")
    'user:ada'
    """
    kind, _, name = text.strip().partition(":")
    if kind == "group" and is_group(name):
        return f"group:{name}"
    if kind == "user" and is_user(name):
        return f"user:{name}"
    raise ValueError(f"{text[:300]!r} names no reader; write {READER_RULE}")


def is_user(name: str) -> bool:
    """Return whether this is an allowed user name."""
    return 0 < len(name) <= 255 and name.isprintable() and name == name.strip()


def is_group(name: str) -> bool:
    """Return whether this is an allowed group name."""
    return _GROUP.fullmatch(name) is not None
