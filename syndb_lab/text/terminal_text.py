"""Text for a terminal: nothing in it acts on one, and it is as wide as it should be."""

from __future__ import annotations

import unicodedata


def escape_control_characters(text: str) -> str:
    r"""Replace what would act on a terminal, or turn the direction of the text, by a mark.

    What joins letters or emoji stays.

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
    """Cut a text to so many characters, the last of which says that it was cut.

    Examples
    --------
    >>> shorten("6f1d2c3b-0000", 9), shorten("6f1d", 9)
    ('6f1d2c3b…', '6f1d')
    """
    return text if len(text) <= length else f"{text[: length - 1]}…"


def columns_of(text: str) -> int:
    """Count the columns of a terminal that a text takes."""
    return sum(map(_columns, text))


def cut_to_columns(text: str, columns: int) -> str:
    """Cut a text to the columns of a terminal, of which letters of East Asia and emoji take two.

    Examples
    --------
    >>> cut_to_columns("running", 5), cut_to_columns("神経細胞", 5)
    ('runn…', '神経…')
    """
    taken, fits = 0, 0
    for place, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return f"{text[:fits]}…"
        if taken < columns:
            fits = place + 1
    return text


def pad_to_columns(text: str, columns: int, *, right: bool = False) -> str:
    """Fill a text up to a width, on its left where it is to stand on the right."""
    fill = " " * (columns - columns_of(text))
    return fill + text if right else text + fill


def _columns(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 1 + (unicodedata.east_asian_width(character) in "WF")
