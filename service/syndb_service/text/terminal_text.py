"""Text for a terminal: nothing in it acts on one."""

from __future__ import annotations

import unicodedata
from typing import Final

ACTING: Final = frozenset({"Cc", "Cf", "Cs"})


def escape_control_characters(text: str) -> str:
    r"""Replace what would act on a terminal, or turn the direction of the text, by a mark.

    Names and values of datasets are others' texts. What joins letters or emoji stays.

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
