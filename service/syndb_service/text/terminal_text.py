"""Text for a terminal, without control characters."""

from __future__ import annotations

import unicodedata
from typing import Final

ACTING: Final = frozenset({"Cc", "Cf", "Cs"})


def escape_control_characters(text: str) -> str:
    r"""Replace control characters, and characters that change the direction of text, by U+FFFD.

    Names and values of datasets are untrusted text. Joiners of letters and emoji are kept.

    Examples
    --------
    >>> escape_control_characters("red \x1b[31m")
    'red �[31m'
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if character not in "\n\t\u200c\u200d" and unicodedata.category(character) in ACTING
        else character
        for character in text
    )
