"""Which affiliation makes somebody academic."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

_BETWEEN: Final = re.compile(r"[;,\s]+")
_LONGEST: Final = 255


def academic_affiliation(
    claims: Mapping[str, Any],
    names: Iterable[str],
    affiliations: Collection[str],
    domains: Collection[str],
) -> str | None:
    """Return the first affiliation that makes its user academic; None if there is none.

    Parameters
    ----------
    claims : mapping
        What an issuer says of a user.
    names : iterable of str
        The claims to look at. Each may hold a list, or text with semicolons, commas or spaces in between.
    affiliations : collection of str
        Those that count, in small letters: ``staff``.
    domains : collection of str
        Where they count, in small letters; ``*.example.edu`` stands for what is below that domain.
        Everywhere, if empty; but an affiliation without a domain counts nowhere.

    Examples
    --------
    >>> claims = {"affiliation": "member@example.com; Staff@Example.edu"}
    >>> academic_affiliation(claims, ["affiliation"], ["staff", "faculty"], ["example.edu"])
    'staff@example.edu'
    """
    for name in names:
        for value in values_of(claims.get(name)):
            kind, at, domain = value.lower().partition("@")
            if at and kind in affiliations and _is_among(domain, domains) and len(value) <= _LONGEST:
                return value.lower()
    return None


def values_of(claim: object) -> list[str]:
    """Return the members of a claim, be it a list or text.

    Examples
    --------
    >>> values_of(" staff@a.edu ;member@a.edu"), values_of(["x", 7]), values_of(None)
    (['staff@a.edu', 'member@a.edu'], ['x'], [])
    """
    members = claim if isinstance(claim, list) else [claim]
    return [part for member in members if isinstance(member, str) for part in _BETWEEN.split(member) if part]


def _is_among(domain: str, domains: Collection[str]) -> bool:
    if not domain or "@" in domain or domain.startswith("."):
        return False
    if not domains or domain in domains:
        return True
    return any(each.startswith("*.") and domain.endswith(each[1:]) for each in domains)
