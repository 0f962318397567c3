"""Tokens as text that shows nowhere: not in a repr, nor among the variables of a traceback."""

from __future__ import annotations

from typing import Any, Final

HIDDEN: Final = "'…'"


class SecretText(str):
    """A text whose repr hides it, so that tools that show local variables (rich, IPython's Verbose) do, too.

    Examples
    --------
    >>> token = SecretText("syndb_1234")
    >>> token, token[:4], f"Bearer {token}" == "Bearer syndb_1234"
    ('…', '…', True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN

    def __getitem__(self, part: Any) -> SecretText:
        return SecretText(super().__getitem__(part))

    def strip(self, chars: str | None = None) -> SecretText:
        """Strip it, as a secret."""
        return SecretText(super().strip(chars))
