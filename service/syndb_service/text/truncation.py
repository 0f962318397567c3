"""Truncation of texts of unknown length; a truncated text states its original length."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

MESSAGE_CHARACTERS: Final = 2_000
HINT_CHARACTERS: Final = 1_000
NAME_CHARACTERS: Final = 256
TYPE_CHARACTERS: Final = 512
PHASE_CHARACTERS: Final = 200
METADATA_CHARACTERS: Final = 20_000
LOG_CHARACTERS: Final = 16_384
COLUMNS_CHARACTERS: Final = 512 * 1024
"""Limit of all column names and types of a record; above it, each is cut to ``NARROW_CHARACTERS``."""
NARROW_CHARACTERS: Final = 60


def shorten(text: str, limit: int, length: int | None = None) -> str:
    """Shorten a text to at most ``limit`` characters; a truncated text ends with its original length.

    ``length`` is the original length of a text that was truncated before.

    Examples
    --------
    >>> shorten("fine", 10)
    'fine'
    >>> shorten("x" * 1000, 40)
    'xxxxxxxxxxxxxxxxxxxx… [1,000 characters]'
    """
    if len(text) <= limit and length is None:
        return text
    note = f"… [{length or len(text):,} characters]"
    return text[: max(limit - len(note), 0)] + note


def shorten_columns(columns: Iterable[Sequence[str]]) -> list[list[str]]:
    """Shorten the names and the types of columns for a record; the result file contains them in full.

    Examples
    --------
    >>> shorten_columns([["n", "int64"]])
    [['n', 'int64']]
    """
    cut = [_cut(column, NAME_CHARACTERS, TYPE_CHARACTERS) for column in columns]
    if sum(map(len, itertools.chain.from_iterable(cut))) > COLUMNS_CHARACTERS:
        cut = [_cut(column, NARROW_CHARACTERS, NARROW_CHARACTERS) for column in cut]
    return cut


def _cut(column: Sequence[str], max_name: int, max_type: int) -> list[str]:
    return [shorten(str(column[0]), max_name), *(shorten(str(text), max_type) for text in column[1:])]
