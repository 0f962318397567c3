"""Proof that what answers at an address is the service of a data folder, given before a token is sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Self

SECRET_BYTES: Final = 32


class Identity:
    """The secret that a running embedded service shares with whoever may read its data folder.

    A client sends a random challenge and compares the answer with what it computes from the secret's file.
    The address is signed, too: an answer can't be passed on from a service at another address.

    Parameters
    ----------
    url : str
        The address that the service announces.
    secret : str
        The content of the secret's file.

    Examples
    --------
    >>> Identity("http://127.0.0.1:8700", "secret").prove("challenge")
    '0e180ea7c629727abde5703e24798d02b1ffe128f0075855937712ae6404d7bb'
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret

    def __repr__(self) -> str:
        return f"Identity({self._url!r})"

    @classmethod
    def create(cls, url: str) -> Self:
        """Make an identity with a fresh secret."""
        return cls(url, secrets.token_hex(SECRET_BYTES))

    @property
    def secret(self) -> str:
        """The secret, to be written into the data folder."""
        return self._secret

    def prove(self, challenge: str) -> str:
        """Return the HMAC-SHA256 of address and challenge under the secret, in hexadecimal digits."""
        signed = f"syndb-lab\n{self._url}\n{challenge}".encode()
        return hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
