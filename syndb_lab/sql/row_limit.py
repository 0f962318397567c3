"""The row limit: a query that returns only its first rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syndb_lab.conversion.sql_values import format_value, to_plain_integer
from syndb_lab.errors import ParameterError
from syndb_lab.sql.parameter_scanner import tokens

HEAD: Final = "SELECT * FROM ("


@dataclass(frozen=True, slots=True)
class LimitedQuery:
    """A query with its limit, and the number of characters added at the start of its first line."""

    sql: str
    shift: int = 0

    def column(self, line: int | None, column: int | None) -> int | None:
        """Map a column of this SQL to the original text."""
        return max(1, column - self.shift) if column is not None and line == 1 else column


def limit_query(query: str, limit: int | None) -> LimitedQuery:
    r"""Wrap a query in one that returns its first rows, in its own order.

    Parameters
    ----------
    query : str
        One SELECT.
    limit : int or None
        Maximum number of rows; None leaves the query as it is.

    Raises
    ------
    ParameterError
        The limit is not a number of rows.

    Examples
    --------
    >>> limit_query("SELECT name FROM neurons; -- all", 5).sql
    'SELECT * FROM (SELECT name FROM neurons\n) LIMIT 5'
    """
    if limit is None:
        return LimitedQuery(query)
    rows = to_plain_integer(limit)
    if rows is None or not 0 <= rows < 2**63:
        raise ParameterError(
            f"limit is {format_value(limit)}; it takes a number of rows", hint="For example: limit=1000."
        )
    body, first = statement(query)
    if not first or first == "explain":
        return LimitedQuery(query)
    return LimitedQuery(f"{HEAD}{body}\n) LIMIT {rows}", len(HEAD))


def statement(query: str) -> tuple[str, str]:
    """Return a statement without trailing semicolons, comments and space, and its first word.

    Several statements are returned unchanged, with an empty word: the service rejects them.
    """
    first, end, is_over = "", 0, False
    for token in tokens(query):
        if token.is_blank:
            continue
        if token.text == ";":
            is_over = bool(first)
            continue
        if is_over:
            return query, ""
        first, end = first or token.word or token.kind, token.end
    return query[:end], first
