"""Positions in SQL text: converts the engine's byte offsets to lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, TypedDict

from syndb_service.domain.result_references import SPACE, comment_end

EXPLAIN: Final = re.compile(r"explain\b", re.IGNORECASE)
BLANK: Final = re.compile(rf"(?:[{SPACE}]|--[^\n\r]*)*+")


class LineColumn(TypedDict):
    """A position as keyword arguments of an error."""

    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """A position: ``line`` and ``column`` (in characters) count from 1, ``offset`` is in characters."""

    line: int | None = None
    column: int | None = None
    offset: int = 0

    def as_dict(self) -> LineColumn:
        """Return line and column as keyword arguments of an error."""
        return {"line": self.line, "column": self.column}


ASCII_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold(name: str) -> str:
    """Fold the case of a name as the engine does: only of ASCII letters.

    Examples
    --------
    >>> fold("Neurons"), fold("\u212aelvin") == fold("kelvin")
    ('neurons', False)
    """
    return name.translate(ASCII_LOWER)


def position_at(sql: str, offset: int, *, of_bytes: bool = False) -> SourcePosition:
    r"""Return the position of an offset in a text.

    Parameters
    ----------
    sql : str
        The full text.
    offset : int
        In characters, or in bytes of UTF-8 if ``of_bytes``.

    Examples
    --------
    >>> position_at("select 'é',\n  nope", 16, of_bytes=True)
    SourcePosition(line=2, column=4, offset=15)
    """
    before = sql.encode()[:offset].decode(errors="ignore") if of_bytes else sql[:offset]
    line_start = before.rfind("\n") + 1
    return SourcePosition(before.count("\n") + 1, len(before) - line_start + 1, len(before))


class LineIndex:
    r"""The line starts of a text, found once, so that many positions are converted fast.

    Parameters
    ----------
    sql : str
        The text, without surrogates.

    Examples
    --------
    >>> LineIndex("select 'é',\n  nope").position_at(16)
    SourcePosition(line=2, column=4, offset=15)
    """

    def __init__(self, sql: str) -> None:
        self._data = sql.encode()
        self._starts = [0, *(end.end() for end in re.finditer(b"\n", self._data))]
        self._blocks: list[int] | None = None
        if not sql.isascii():
            self._blocks, total = [], 0
            for start in range(0, len(self._data) + 1, BLOCK):
                self._blocks.append(total)
                total += _characters(self._data[start : start + BLOCK])

    def position_at(self, offset: int) -> SourcePosition:
        """Return the position of an offset in bytes."""
        line = bisect_right(self._starts, offset)
        characters = self._characters(offset)
        return SourcePosition(line, characters - self._characters(self._starts[line - 1]) + 1, characters)

    def _characters(self, offset: int) -> int:
        if self._blocks is None:
            return offset
        block = min(offset // BLOCK, len(self._blocks) - 1)
        return self._blocks[block] + _characters(self._data[block * BLOCK : offset])


BLOCK: Final = 4096
CONTINUATION: Final = bytes(range(0x80, 0xC0))


def _characters(data: bytes) -> int:
    return len(data.translate(None, CONTINUATION))


def first_word(sql: str, start: int = 0) -> SourcePosition:
    r"""Return the position of the first word from ``start``, after white space, comments and semicolons.

    Examples
    --------
    >>> first_word("SELECT 1; -- one\n SELECT 2", 8).as_dict()
    {'line': 2, 'column': 2}
    """
    position = after_blanks(sql, start)
    while sql.startswith(";", position):
        position = after_blanks(sql, position + 1)
    return position_at(sql, position)


def after_explain(sql: str) -> int | None:
    """Return the offset after the first word if it is EXPLAIN, else None.

    Examples
    --------
    >>> after_explain("/* why */ EXPLAIN SELECT 1"), after_explain("SELECT 1")
    (17, None)
    """
    found = EXPLAIN.match(sql, after_blanks(sql))
    return found.end() if found else None


def after_blanks(sql: str, start: int = 0) -> int:
    """Return the offset after the white space and comments at ``start``; comments nest, as in the engine.

    Examples
    --------
    >>> after_blanks("/* a /* b */ c */ SELECT 1")
    18
    """
    position = start
    while True:
        blank = BLANK.match(sql, position)
        position = blank.end() if blank else position
        if not sql.startswith("/*", position):
            return position
        position = comment_end(sql, position + 2)
