"""Authentication by a token of this service, or by an access token of the OpenID provider."""

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

CACHE_S: Final = 60.0
MAX_CACHED: Final = 4096


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token of this service, created at a login; ``token`` can't be shown again."""

    token: str
    principal: Principal

    def __repr__(self) -> str:
        return f"Issued(user={self.principal.user!r})"


@dataclass(frozen=True, slots=True)
class _Verified:
    """The user of a verified access token, and the time at which to verify it again."""

    user: str
    until: float


class Authenticator:
    """Returns the principal of a token.

    Parameters
    ----------
    tokens : TokenStore
        Tokens of this service.
    groups : GroupStore
        Stores the affiliation and groups of a user as the issuer reports them.
    access_tokens : AccessTokens, optional
        Verifies the tokens of the OpenID provider; None if there is none.
    token_days : float
        Days for which a token created at a login is valid.
    """

    def __init__(
        self, tokens: TokenStore, groups: GroupStore, access_tokens: AccessTokens | None, token_days: float
    ) -> None:
        self._tokens = tokens
        self._groups = groups
        self._access_tokens = access_tokens
        self._token_days = token_days
        self._lock = threading.Lock()
        self._verified: TLRUCache[bytes, _Verified] = TLRUCache(
            MAX_CACHED, ttu=lambda _, verified, __: verified.until, timer=time.time
        )

    def principal(self, token: str) -> Principal:
        """Return the principal of a token.

        Raises
        ------
        Unauthenticated
            If it is unknown, expired, revoked or not issued for this service.
        TransientError
            If the database or the issuer is unavailable.
        """
        if self._access_tokens is not None and _is_signed(token):
            return self._of_issuer(self._access_tokens, token)
        return self._tokens.verify(token)

    def exchange(self, token: str) -> IssuedToken:
        """Create a token of this service for the user of an access token; store affiliation and groups.

        Raises
        ------
        NotFound
            If this service has no OpenID provider.
        Unauthenticated
            If the access token is invalid.
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
        user = self._of_issuer(self._access_tokens, token, use_cache=False).user
        new_token = self._tokens.create(user, academic=False, days=self._token_days)
        return IssuedToken(new_token, self._tokens.verify(new_token))

    def _of_issuer(self, access_tokens: AccessTokens, token: str, *, use_cache: bool = True) -> Principal:
        """Verify an access token, and store its affiliation and groups; the result is cached for a minute."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            verified = self._verified.get(digest)
        if verified is None or not use_cache:
            identity = access_tokens.verify(token)
            verified = _Verified(identity.user, min(time.time() + CACHE_S, identity.expires_at))
            self._groups.record(
                verified.user, identity.issuer, affiliation=identity.affiliation, groups=identity.groups
            )
            with self._lock:
                self._verified[digest] = verified
        return self._tokens.principal(verified.user)


def _is_signed(token: str) -> bool:
    return token.count(".") == 2
