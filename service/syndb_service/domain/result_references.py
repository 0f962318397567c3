"""Result references: the results of earlier jobs as tables, ``FROM {{job id}}`` in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
SPACE: Final = r"\t\n\v\f\r \u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
NAME: Final = rf"[A-Za-z_\u0080-\U0010ffff](?:(?![{SPACE}])[\w$\u0080-\U0010ffff])*+"
TOKEN: Final = re.compile(
    rf"""
      (?:[^'"`$/{{\-\w\u0080-\U0010ffff]|[{SPACE}]|\d+(?:_\d+)*+(?:\.\d*)?(?:[eE][+-]?\d+)?|(?![eE]'){NAME})++
    | [eE]'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z) | '(?:[^']|'')*+(?:'|\Z)
    | "(?:[^"]|"")*+(?:"|\Z) | `(?:[^`]|``)*+(?:`|\Z)
    | \$(?P<tag>(?:(?![0-9])(?:(?![{SPACE}])[\w\u0080-\U0010ffff])*+)?)\$(?:.*?\$(?P=tag)\$|.*\Z)
    | --[^\n\r]*+
    | (?P<comment>/\*)
    | \{{\{{\s*(?P<job>{UUID})\s*\}}\}}
    | .
    """,
    re.DOTALL | re.VERBOSE,
)
COMMENT_EDGE: Final = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference to a job in SQL, with its line and column (from 1)."""

    job_id: str
    line: int
    column: int


def find_references(query: str) -> list[Reference]:
    """Find the jobs whose results a query reads; ignore texts and comments.

    Examples
    --------
    >>> find_references("FROM {{6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11}}")[0].column
    6
    """
    found = []
    line, counted, line_start = 1, 0, 0
    for match in _mentions(query):
        line += query.count("\n", counted, match.start())
        line_start = max(line_start, query.rfind("\n", counted, match.start()) + 1)
        counted = match.start()
        found.append(Reference(match["job"].lower(), line, match.start() - line_start + 1))
    return found


def distinct_references(query: str) -> list[Reference]:
    """Return the first reference to each job whose result a query reads."""
    firsts: dict[str, Reference] = {}
    for reference in find_references(query):
        firsts.setdefault(reference.job_id, reference)
    return list(firsts.values())


def replace_references(query: str) -> str:
    """Replace each reference by a table name of the same length, so that source positions stay the same.

    Examples
    --------
    >>> replace_references("FROM {{6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11}} LIMIT 5")
    'FROM "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"   LIMIT 5'
    """
    pieces, end = [], 0
    for match in _mentions(query):
        pieces += [query[end : match.start()], f'"{match["job"].lower()}"'.ljust(len(match[0]))]
        end = match.end()
    return "".join([*pieces, query[end:]])


def _mentions(query: str) -> Iterator[re.Match[str]]:
    """Yield the references outside texts and comments; comments nest, as in the engine."""
    position = 0
    while match := TOKEN.match(query, position):
        position = match.end()
        if match["job"]:
            yield match
        elif match["comment"]:
            position = comment_end(query, position)


def comment_end(query: str, position: int) -> int:
    """Return the end of a block comment that begins before ``position``, with its nested comments."""
    depth = 1
    for edge in COMMENT_EDGE.finditer(query, position):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(query)
