"""Secret text, such as tokens, whose repr does not show it."""

from __future__ import annotations

from typing import Any, Final

HIDDEN: Final = "'…'"


class SecretText(str):
    """A text whose repr hides it, also in tools that show local variables (rich, IPython's Verbose mode).

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
        """Return the stripped text, as a secret text."""
        return SecretText(super().strip(chars))
