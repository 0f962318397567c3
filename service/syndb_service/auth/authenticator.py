"""Who is asking: by a token of ours, or by an access token of the OpenID provider."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cachetools import TLRUCache

from syndb_service.domain.access import Principal
from syndb_service.errors import NotFound, Unauthenticated
from syndb_service.store import GroupStore, TokenStore

if TYPE_CHECKING:
    from syndb_service.auth.oidc import AccessTokens

KEPT_S: Final = 60.0
MOST_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token of ours, made at a login; ``token`` can't be shown again."""

    token: str
    principal: Principal

    def __repr__(self) -> str:
        return f"Issued(user={self.principal.user!r})"


@dataclass(frozen=True, slots=True)
class _Verified:
    """The user of an access token, and until when it need not be verified again."""

    user: str
    until: float


class Authenticator:
    """Tells who is asking.

    Parameters
    ----------
    tokens : TokenStore
        Our own tokens.
    people : People
        Where the issuer's word on its users is written down.
    access_tokens : AccessTokens, optional
        Verifies the tokens of the OpenID provider; None if there is none.
    token_days : float
        Days for which a token that is made at a login is valid.
    """

    def __init__(
        self, tokens: TokenStore, people: GroupStore, access_tokens: AccessTokens | None, token_days: float
    ) -> None:
        self._tokens = tokens
        self._people = people
        self._access_tokens = access_tokens
        self._token_days = token_days
        self._lock = threading.Lock()
        self._known: TLRUCache[bytes, _Verified] = TLRUCache(
            MOST_KEPT, ttu=lambda _, verified, __: verified.until, timer=time.time
        )

    def principal(self, token: str) -> Principal:
        """Return whom a token speaks for.

        Raises
        ------
        Unauthenticated
            If it is unknown, expired, revoked or not signed for us.
        TransientError
            If that can't be found out now.
        """
        if self._access_tokens is not None and _is_signed(token):
            return self._of_issuer(self._access_tokens, token)
        return self._tokens.verify(token)

    def exchange(self, token: str) -> IssuedToken:
        """Make a token of ours for the user of an access token, whose standing and groups are written down.

        Raises
        ------
        NotFound
            If this service has no OpenID provider.
        Unauthenticated
            If the access token is not good.
        """
        if self._access_tokens is None:
            raise NotFound(
                "this service has no login: no OpenID provider is set",
                hint="Ask your operator for a token (`syndb-lab token create`).",
            )
        if not _is_signed(token):
            raise Unauthenticated(
                "an access token of the OpenID provider is needed here",
                hint="GET /v1/auth says where it comes from; syndb_lab.login() does all of this.",
            )
        user = self._of_issuer(self._access_tokens, token, anew=True).user
        ours = self._tokens.create(user, academic=False, days=self._token_days)
        return IssuedToken(ours, self._tokens.verify(ours))

    def _of_issuer(self, access_tokens: AccessTokens, token: str, *, anew: bool = False) -> Principal:
        """Verify a token, and write down what it says; for a minute it is then taken for known."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            known = self._known.get(digest)
        if anew or known is None:
            identity = access_tokens.verify(token)
            known = _Verified(identity.user, min(time.time() + KEPT_S, identity.expires_at))
            self._people.record(
                known.user, identity.issuer, affiliation=identity.affiliation, groups=identity.groups
            )
            with self._lock:
                self._known[digest] = known
        return self._tokens.principal(known.user)


def _is_signed(token: str) -> bool:
    return token.count(".") == 2
