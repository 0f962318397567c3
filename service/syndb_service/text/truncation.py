"""Texts that others can make long, cut at a stated length that says how long they were."""

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
"""All names and types of the columns in a record together; above it, each is cut as in a narrow table."""
NARROW_CHARACTERS: Final = 60


def shorten(text: str, limit: int, length: int | None = None) -> str:
    """Return a text of at most ``limit`` characters; what was cut says how long it was.

    ``length`` is given for a text that is known to have been cut before.

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
    """Return names and types of columns, one or two each, as a record holds them: the file has them whole.

    Examples
    --------
    >>> shorten_columns([["n", "int64"]])
    [['n', 'int64']]
    """
    cut = [_cut(column, NAME_CHARACTERS, TYPE_CHARACTERS) for column in columns]
    if sum(map(len, itertools.chain.from_iterable(cut))) > COLUMNS_CHARACTERS:
        cut = [_cut(column, NARROW_CHARACTERS, NARROW_CHARACTERS) for column in cut]
    return cut


def _cut(column: Sequence[str], name: int, kind: int) -> list[str]:
    return [shorten(str(column[0]), name), *(shorten(str(each), kind) for each in column[1:])]
