"""A query cut to its first rows on the service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from syndb_lab.errors import ParameterError
from syndb_lab.scanner import TOKEN, comment_end, dollar_end

HEAD: Final = "SELECT * FROM ("
EXPLAIN: Final = re.compile(r"\s*explain\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limited:
    """A query with its limit, and how far its first line was moved to the right."""

    sql: str
    moved: int = 0

    def column(self, line: int | None, column: int | None) -> int | None:
        """Find the column of the given text that a column of this SQL stands for."""
        return max(1, column - self.moved) if column is not None and line == 1 else column


def limited(query: str, limit: int | None) -> Limited:
    r"""Put a query into one that gives its first rows, in its own order.

    Parameters
    ----------
    query : str
        One SELECT.
    limit : int or None
        How many rows at most; None leaves the query as it is.

    Raises
    ------
    ParameterError
        The limit is no number of rows.

    Examples
    --------
    >>> limited("SELECT name FROM neurons; -- all", 5).sql
    'SELECT * FROM (SELECT name FROM neurons\n) LIMIT 5'
    """
    if limit is None:
        return Limited(query)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ParameterError(
            f"limit is {limit!r}; it takes a number of rows", hint="For example: limit=1000."
        )
    body = statement(query)
    if not body or EXPLAIN.match(body):
        return Limited(query)
    return Limited(f"{HEAD}{body}\n) LIMIT {limit}", len(HEAD))


def statement(query: str) -> str:
    """Leave out what follows the statement: semicolons, comments and space."""
    position = end = 0
    while match := TOKEN.match(query, position):
        kind, position = match.lastgroup or "", match.end()
        if kind == "comment":
            position = comment_end(query, position)
        elif kind == "dollar":
            position = dollar_end(query, position, match.group())
        if kind not in {"space", "comment"} and match.group() != ";":
            end = position
    return query[:end]
