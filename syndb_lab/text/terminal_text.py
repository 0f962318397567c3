"""Text for a terminal, without control characters, cut or padded to a width."""

from __future__ import annotations

import unicodedata


def escape_control_characters(text: str) -> str:
    r"""Replace control characters, also those of text direction, by U+FFFD.

    Newlines, tabs and the joiners of letters and emoji stay.

    Examples
    --------
    >>> escape_control_characters("red \x1b[31m")
    'red �[31m'
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if character not in "\n\t\u200c\u200d" and unicodedata.category(character) in {"Cc", "Cf", "Cs"}
        else character
        for character in text
    )


def shorten(text: str, length: int) -> str:
    """Cut a text to ``length`` characters; the last one of a cut text is an ellipsis.

    Examples
    --------
    >>> shorten("6f1d2c3b-0000", 9), shorten("6f1d", 9)
    ('6f1d2c3b…', '6f1d')
    """
    return text if len(text) <= length else f"{text[: length - 1]}…"


def columns_of(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    return sum(map(_columns, text))


def cut_to_columns(text: str, columns: int) -> str:
    """Cut a text to a number of terminal columns; East Asian characters and emoji take two.

    Examples
    --------
    >>> cut_to_columns("running", 5), cut_to_columns("神経細胞", 5)
    ('runn…', '神経…')
    """
    width, cut = 0, 0
    for index, character in enumerate(text):
        width += _columns(character)
        if width > columns:
            return f"{text[:cut]}…"
        if width < columns:
            cut = index + 1
    return text


def pad_to_columns(text: str, columns: int, *, right: bool = False) -> str:
    """Pad a text with blanks to a width; with ``right``, align it to the right."""
    fill = " " * (columns - columns_of(text))
    return fill + text if right else text + fill


def _columns(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 1 + (unicodedata.east_asian_width(character) in "WF")
