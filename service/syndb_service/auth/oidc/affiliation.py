"""Affiliations that make a user academic."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

_SEPARATORS: Final = re.compile(r"[;,\s]+")
_MAX_CHARACTERS: Final = 255


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
        Claims of a token.
    names : iterable of str
        Claims to read. Each may be a list, or text separated by semicolons, commas or spaces.
    affiliations : collection of str
        Affiliations that count as academic, in lower case: ``staff``.
    domains : collection of str
        Domains at which they count, in lower case; ``*.example.edu`` matches the subdomains of example.edu.
        Empty for every domain; an affiliation without a domain never counts.

    Examples
    --------
    >>> claims = {"affiliation": "member@example.com; Staff@Example.edu"}
    >>> academic_affiliation(claims, ["affiliation"], ["staff", "faculty"], ["example.edu"])
    'staff@example.edu'
    """
    for name in names:
        for value in values_of(claims.get(name)):
            kind, separator, domain = value.lower().partition("@")
            if (
                separator
                and kind in affiliations
                and _is_among(domain, domains)
                and len(value) <= _MAX_CHARACTERS
            ):
                return value.lower()
    return None


def values_of(claim: object) -> list[str]:
    """Return the members of a claim, which is a list or text.

    Examples
    --------
    >>> values_of(" staff@a.edu ;member@a.edu"), values_of(["x", 7]), values_of(None)
    (['staff@a.edu', 'member@a.edu'], ['x'], [])
    """
    members = claim if isinstance(claim, list) else [claim]
    return [
        part for member in members if isinstance(member, str) for part in _SEPARATORS.split(member) if part
    ]


def _is_among(domain: str, domains: Collection[str]) -> bool:
    if not domain or "@" in domain or domain.startswith("."):
        return False
    if not domains or domain in domains:
        return True
    return any(pattern.startswith("*.") and domain.endswith(pattern[1:]) for pattern in domains)
