"""A query cut to its first rows on the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syndb_lab.conversion.sql_values import format_value, to_plain_integer
from syndb_lab.errors import ParameterError
from syndb_lab.sql.parameter_scanner import tokens

HEAD: Final = "SELECT * FROM ("


@dataclass(frozen=True, slots=True)
class LimitedQuery:
    """A query with its limit, and how far its first line was moved to the right."""

    sql: str
    moved: int = 0

    def column(self, line: int | None, column: int | None) -> int | None:
        """Find the column of the given text that a column of this SQL stands for."""
        return max(1, column - self.moved) if column is not None and line == 1 else column


def limit_query(query: str, limit: int | None) -> LimitedQuery:
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
    """Leave out what follows a statement: semicolons, comments and space; give its first word as well.

    Of several statements, the text is left whole: the service says that it takes one.
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
