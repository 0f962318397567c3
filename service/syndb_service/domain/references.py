"""Results of earlier jobs as tables: ``FROM {{job id}}`` in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
TOKEN: Final = re.compile(
    rf"""(?<!\w)[eE]'(?:[^'\\]|''|\\.)*+'|'(?:[^']|'')*+'|"(?:[^"]|"")*+\""""
    rf"""|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)|\{{\{{\s*(?P<job>{UUID})\s*\}}\}}""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention of a job in SQL, with its place (from 1)."""

    job_id: str
    line: int
    column: int


def references(query: str) -> list[Reference]:
    """Find the jobs whose results a query reads; what stands in a text or a comment is none.

    Examples
    --------
    >>> references("FROM {{6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11}}")[0].column
    6
    """
    found = []
    for match in TOKEN.finditer(query):
        if match["job"]:
            before = query[: match.start()]
            column = match.start() - before.rfind("\n")
            found.append(Reference(match["job"].lower(), before.count("\n") + 1, column))
    return found


def as_tables(query: str) -> str:
    """Write each reference as the name of a table, of the same length, so that all places stay the same.

    Examples
    --------
    >>> as_tables("FROM {{6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11}} LIMIT 5")
    'FROM "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"   LIMIT 5'
    """
    return TOKEN.sub(
        lambda match: f'"{match["job"].lower()}"'.ljust(len(match[0])) if match["job"] else match[0], query
    )
