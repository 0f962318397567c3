"""The validator: decides by allow-list which SQL may run, on the engine's own syntax tree.

Statements, nodes, tables and functions that are not on a list are rejected. The locked session
(:mod:`syndb_service.sql.session`) would still run a SELECT whose common table expression contains a
COPY; only the validator stops that.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from syndb_service.errors import InvalidQuery
from syndb_service.sql.ast_visitor import ONLY_QUERIES, AstVisitor, ValidatedQuery
from syndb_service.sql.query_limits import MAX_EXPRESSIONS, SHALLOWER, TOO_DEEP
from syndb_service.sql.source_position import (
    SourcePosition,
    after_blanks,
    after_explain,
    first_word,
    position_at,
)
from syndb_service.text.truncation import MESSAGE_CHARACTERS, shorten

SURROGATE: Final = re.compile("[\ud800-\udfff]")
EXPRESSION: Final = re.compile(r'"class":')
LOCATION: Final = re.compile(r'"query_location":(\d{1,19})\b')
EXPLAIN_OPTIONS: Final = re.compile(r"\(|analyze\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SqlValidator:
    """Validator of SQL.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Only its parser is used.
    tables : mapping of str to collection of str
        The tables that may be read, each with its columns.
    max_bytes : int
        The longest text, in bytes of UTF-8.
    """

    connection: duckdb.DuckDBPyConnection
    tables: Mapping[str, Collection[str]]
    max_bytes: int

    def validate(self, sql: str) -> ValidatedQuery:
        """Validate a query.

        Raises
        ------
        InvalidQuery
            If the query may not run; with position and hint.

        Examples
        --------
        >>> validator = SqlValidator(duckdb.connect(), {"neurons": ["name"]}, 1000)
        >>> validator.validate("select name from neurons").tables
        {'neurons'}
        >>> validator.validate("drop table neurons")
        Traceback (most recent call last):
        syndb_service.errors.InvalidQuery: DROP is not a query: jobs only read
        """
        self._check_text(sql)
        offset = self._check_statement(sql)
        tree = self._tree(sql, offset)
        visitor = AstVisitor(sql, offset, self.tables, ValidatedQuery(sql, offset))
        visitor.query(tree["node"], frozenset())
        return visitor.checked

    def _check_text(self, sql: str) -> None:
        if not sql.strip():
            raise InvalidQuery(
                "the query is empty", hint="For example: SELECT * FROM neurons LIMIT 10", line=1, column=1
            )
        size = len(sql.encode("utf-8", "surrogatepass"))
        if size > self.max_bytes:
            raise InvalidQuery(
                f"the query has {size:,} bytes; at most {self.max_bytes:,} are taken",
                hint="Put long lists of ids into a join or a range, or split the query.",
            )
        if "\0" in sql:
            raise InvalidQuery(
                "the query holds a NUL character",
                hint="Remove it; in a text write chr(0) for it.",
                **position_at(sql, sql.index("\0")).as_dict(),
            )
        if SURROGATE.search(sql):
            raise InvalidQuery(
                "the query holds a broken character (half of a surrogate pair)",
                hint="Type it anew, or read the text with the encoding that it was written in.",
            )

    def _check_statement(self, sql: str) -> int:
        """Return the offset (bytes) at which the query to validate begins: 0, or after EXPLAIN."""
        try:
            statements = self.connection.extract_statements(sql)
        except duckdb.Error:
            self._raise_syntax_error(sql, 0)
            raise InvalidQuery("the query can't be parsed") from None
        if not statements:
            raise InvalidQuery("the query is empty: it holds only comments", line=1, column=1)
        if len(statements) > 1:
            first = statements[0].query.strip()
            found = sql.find(first)  # the engine replaces non-ASCII white space
            start = first_word(sql, found + len(first)) if found >= 0 else first_word(sql)
            raise InvalidQuery(
                f"there are {len(statements)} statements; a job runs one",
                hint="Submit each as a job of its own.",
                **start.as_dict(),
            )
        kind = _kind(statements[0])
        if kind == "SELECT":
            return 0
        if kind == "MULTI":
            raise InvalidQuery(
                "a PIVOT has to name its values here",
                hint="Write PIVOT … ON column IN ('a', 'b') …; SELECT DISTINCT finds the values.",
                **first_word(sql).as_dict(),
            )
        explained = after_explain(sql)
        if kind == "EXPLAIN" and explained is not None:
            if EXPLAIN_OPTIONS.match(sql, after_blanks(sql, explained)):
                raise InvalidQuery(
                    "only a plain EXPLAIN may run",
                    hint="Leave out ANALYZE and the options.",
                    **position_at(sql, explained).as_dict(),
                )
            return len(sql[:explained].encode())
        raise InvalidQuery(
            f"{_verb(sql)} is not a query: jobs only read", hint=ONLY_QUERIES, **first_word(sql).as_dict()
        )

    def _tree(self, sql: str, offset: int) -> Any:
        statements = self._raise_syntax_error(sql, offset)
        if len(statements) != 1:
            raise InvalidQuery("there is more than one statement; a job runs one", hint=ONLY_QUERIES)
        return statements[0]

    def _raise_syntax_error(self, sql: str, offset: int) -> Any:
        text = sql.encode()[offset:].decode()
        parsed = self.connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [text])
        ((serialized,),) = parsed.fetchall()
        _check_size(serialized, sql, offset)
        answer: dict[str, Any] = json.loads(serialized)
        if not answer["error"]:
            return answer["statements"]
        message, position = answer["error_message"], answer.get("position")
        if "Only SELECT" in message:
            message, hint = "only a query can be explained", ONLY_QUERIES
        elif "expression depth" in message:
            message, hint = TOO_DEEP, SHALLOWER
        else:
            hint = "Check the spelling and the commas, brackets and quotes before this place."
        source_position = (
            position_at(sql, offset + int(position), of_bytes=True)
            if position is not None
            else SourcePosition()
        )
        raise InvalidQuery(shorten(message, MESSAGE_CHARACTERS), hint=hint, **source_position.as_dict())


def _check_size(serialized: str, sql: str, offset: int) -> None:
    """Reject a tree with too many expressions before it is parsed."""
    count = serialized.count('"class":')
    if count <= MAX_EXPRESSIONS:
        return
    *_, first_too_many = itertools.islice(EXPRESSION.finditer(serialized), MAX_EXPRESSIONS + 1)
    location = LOCATION.search(serialized, first_too_many.end())
    found = int(location.group(1)) if location else 0
    source_position = position_at(sql, offset + found, of_bytes=True)
    raise InvalidQuery(
        f"the query holds {count:,} values, columns and operators; at most {MAX_EXPRESSIONS:,} are taken",
        hint="Send long lists of ids as a parameter ($ids, with a list as its value).",
        **source_position.as_dict(),
    )


def _kind(statement: Any) -> str:
    try:
        return str(statement.type.name)
    except ValueError:
        return "UNKNOWN"


def _verb(sql: str) -> str:
    start = first_word(sql)
    word = re.match(r"\w+", sql[start.offset :])
    return word.group().upper() if word else "This"
