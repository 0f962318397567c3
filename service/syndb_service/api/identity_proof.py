"""Proof that the service at an address belongs to a data folder, for clients that are to send it a token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Self

SECRET_BYTES: Final = 32


class Identity:
    """The secret that a running embedded service shares with the users who may read its data folder.

    A client sends a random challenge, and compares the answer with the HMAC that it computes from the file of
    the secret. The HMAC covers the address, so that a service at another address can't relay the answer.

    Parameters
    ----------
    url : str
        Address that the service announces.
    secret : str
        Content of the file of the secret.

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
        """Create an identity with a new random secret."""
        return cls(url, secrets.token_hex(SECRET_BYTES))

    @property
    def secret(self) -> str:
        """The secret; the service writes it to a file in the data folder."""
        return self._secret

    def prove(self, challenge: str) -> str:
        """Return the HMAC-SHA256 of address and challenge under the secret, in hexadecimal digits."""
        signed = f"syndb-lab\n{self._url}\n{challenge}".encode()
        return hmac.new(self._secret.encode(), signed, hashlib.sha256).hexdigest()
