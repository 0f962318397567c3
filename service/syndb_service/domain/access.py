"""Who may see which dataset: public ones everybody, restricted ones those whom they name."""

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
    """What an issuer said of a user's academic standing, and when.

    Parameters
    ----------
    issuer : str
        Who said so.
    affiliation : str
        What it said: ``staff@example.edu``.
    verified_at : datetime
        When, in UTC.
    """

    issuer: str
    affiliation: str
    verified_at: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking.

    Parameters
    ----------
    user : str
        The user: a name that an operator gave, or ``ISSUER#SUBJECT``.
    academic : bool
        Whether the academic standing is verified, now.
    groups : frozenset of str
        The user's groups.
    standing : Standing, optional
        What an issuer said of it.
    token_id : str, optional
        The token that was shown.
    expires_at : datetime, optional
        When that token expires.
    """

    user: str
    academic: bool
    groups: frozenset[str] = frozenset()
    standing: AcademicStatus | None = None
    token_id: str | None = None
    expires_at: datetime | None = None


def may_read(user: str, groups: Iterable[str], visibility: str, readers: Iterable[str]) -> bool:
    """Say whether a user of some groups may read what is public, or restricted to some readers.

    Examples
    --------
    >>> may_read("ada", {"lab"}, "restricted", ["group:lab"])
    True
    >>> may_read("eve", (), "restricted", ["user:ada", "group:lab"])
    False
    """
    if visibility == "public":
        return True
    named = {f"user:{user}", *(f"group:{group}" for group in groups)}
    return not named.isdisjoint(readers)


def parse_reader(text: str) -> str:
    """Return a reader as it is stored.

    Raises
    ------
    ValueError
        Saying what a reader looks like.

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
    """Say whether this may be a user's name."""
    return 0 < len(name) <= 255 and name.isprintable() and name == name.strip()


def is_group(name: str) -> bool:
    """Say whether this may be a group's name."""
    return _GROUP.fullmatch(name) is not None
