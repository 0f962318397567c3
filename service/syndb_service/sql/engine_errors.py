"""Translates errors of the engine to errors of the service: cause, position and hint, never a path."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

import duckdb

from syndb_service.errors import InvalidQuery, ServiceError, UsageError
from syndb_service.sql.ast_visitor import ValidatedQuery
from syndb_service.sql.query_limits import SHALLOWER, TOO_DEEP
from syndb_service.sql.result_writer import KEEP_DIGITS
from syndb_service.sql.session import table_columns
from syndb_service.sql.source_position import SourcePosition, position_at
from syndb_service.text.truncation import MESSAGE_CHARACTERS, shorten

QUOTED = re.compile(r'"([^"]+)"')
CALLED = re.compile(r'function call "(\w+)\(|(?:Function|Type|Table) with name (\w+)')
UNKNOWN_COLUMN = re.compile(
    r'column "([^"]+)" (?:not found|in \w+ list not found)|a column named "([^"]+)"'
    r'|Column "([^"]+)" (?:in \w+ list )?(?:not found|does not exist)'
)
KIND = re.compile(
    r"\b(?:Binder|Catalog|Conversion|Invalid Input|Out of Range|Parser|Constraint|Not implemented|INTERNAL"
    r"|Invalid|Syntax|IO|Permission|Transaction|Interrupt|Serialization|Dependency) Error: "
)
PATH = re.compile(r"(?<![\w.…])(?:/[^\s/'\":,;()\[\]]+){2,}")
SPENT = ("Out of Memory Error", "File too large")  # memory, or the disk that a job may spill to
BEYOND_64_BITS = "out of range for the destination type INT64"
DISK_FULL = "No space left on device"
LESS = "Select fewer columns or rows, filter by dataset_id first, or aggregate before joining."
CAST_HINT = "Cast the value, for example CAST(x AS BIGINT)."
CANDIDATES = re.compile(r"Candidate bindings:[ :]*(.*)")
READ_CHARACTERS = 20_000
"""Characters of an engine's message that are read: a query can make it as long as memory allows."""
MARKED = re.compile(r"\n\nLINE (\d+): (.*)\n( *)\^", re.DOTALL)
LINE_END = re.compile(r"\r\n|\r|\n")  # as the engine counts lines; in our positions only "\n" ends a line


class MemoryExceeded(UsageError):
    """The job needs more memory than it may use."""

    code = "memory_limit"


def translate_engine_error(
    error: Exception,
    sql: str,
    checked: ValidatedQuery | None,
    secrets: Iterable[str],
    *,
    lines_before: int = 0,
) -> ServiceError:
    """Translate an error of the engine to an error of the service.

    Parameters
    ----------
    error : Exception
        What the engine raised, directly or through Arrow.
    sql : str
        The user's query.
    checked : ValidatedQuery, optional
        What the validator found in it: the position of each name.
    secrets : iterable of str
        Paths that must not appear in the error.
    lines_before : int
        Lines that the service put before the query.
    """
    full_text = str(error)
    text = full_text[:READ_CHARACTERS]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    text = PATH.sub(lambda found: found.group() if found.group() in sql else "…", text)
    if isinstance(error, duckdb.OutOfMemoryException) or any(sign in text for sign in SPENT):
        return MemoryExceeded("the query needs more memory than a job may use", hint=LESS)
    if DISK_FULL in text:
        return MemoryExceeded("the query needs more memory, and the disk for it is full", hint=LESS)
    text = text[text.index(found.group()) :] if (found := KIND.search(text)) else text
    position = _position_from_caret(text, sql, lines_before) or _position_of_name(text, checked)
    if "Max expression depth" in text:
        return InvalidQuery(TOO_DEEP, hint=SHALLOWER, line=position.line, column=position.column)
    message = KIND.sub("", text.split("\n\nLINE ")[0], count=1)
    message, _, details = message.partition("\n")
    message = message.strip()
    length = len(full_text) if len(message) >= MESSAGE_CHARACTERS else None
    return InvalidQuery(
        shorten(message, MESSAGE_CHARACTERS, length),
        hint=_hint(text, details, message, sql, checked),
        line=position.line,
        column=position.column,
    )


def _hint(text: str, details: str, message: str, sql: str, checked: ValidatedQuery | None) -> str | None:
    if BEYOND_64_BITS in message:
        return KEEP_DIGITS
    unknown = UNKNOWN_COLUMN.search(message)
    if unknown:
        return _nearest_columns(next(filter(None, unknown.groups())), text, sql, checked)
    if "explicit type casts" in message:
        has_call = re.search(r"['\"]\w+\(\)['\"]", message)
        return "It needs a value between its brackets." if has_call else CAST_HINT
    advice = " ".join(line.strip() for line in details.split("\n") if line.strip())
    return None if not advice or " SET " in f" {advice} " else advice.replace('"main.', '"')


def _nearest_columns(name: str, text: str, sql: str, checked: ValidatedQuery | None) -> str | None:
    candidates = CANDIDATES.search(text)
    found = (
        [candidate.rpartition(".")[2] for candidate in QUOTED.findall(candidates.group(1))]
        if candidates
        else []
    )
    columns = table_columns()
    tables = checked.tables & columns.keys() if checked else ()  # results of jobs are not among them
    of_query = sorted({column for table in tables for column in columns[table]})
    near = difflib.get_close_matches(name.lower(), dict.fromkeys([*found, *of_query]), 3, 0.7)
    if not near and f'"{name}"' in sql:
        return f"If it is a text, write it in single quotes: '{name}'."
    near = near or found[:3]
    return f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else None


def _position_from_caret(text: str, sql: str, lines_before: int) -> SourcePosition | None:
    mark = MARKED.search(text)
    if mark is None:
        return None
    number, shown, indent = int(mark.group(1)) - lines_before, mark.group(2), len(mark.group(3))
    starts = [0, *(end.end() for end in LINE_END.finditer(sql))]
    if not 0 < number <= len(starts):
        return None
    line_start = starts[number - 1]
    cells = indent - len(f"LINE {mark.group(1)}: ")
    if shown.startswith("..."):
        line_start = max(sql.find(shown.strip("."), line_start), line_start)
        cells -= 3
    return position_at(sql, line_start + _characters(sql, line_start, cells))


def _characters(text: str, start: int, cells: int) -> int:
    """Count the characters that fill ``cells`` columns of a terminal; the engine places its caret by them."""
    count = 0
    while cells > 0 and start + count < len(text):
        character = text[start + count]
        wide = unicodedata.east_asian_width(character) in "WF"
        cells -= 0 if unicodedata.combining(character) else 1 + wide
        count += 1
    return count


def _position_of_name(text: str, checked: ValidatedQuery | None) -> SourcePosition:
    """Return the position of the first name of the message that the query contains, quoted names first."""
    if checked is None:
        return SourcePosition()
    headline = text.split("\n")[0]
    quoted = [name.split(".")[-1] for name in QUOTED.findall(headline)]
    called = [name for names in CALLED.findall(headline) for name in names if name]
    for name in [*called, *reversed(quoted), *re.findall(r"\w+", headline)]:
        position = checked.position_of(name)
        if position is not None:
            return position
    return SourcePosition()
