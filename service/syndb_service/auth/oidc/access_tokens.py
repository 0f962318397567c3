"""Verification of the access tokens of an OpenID provider: signature, audience and validity."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError

from syndb_service.auth.oidc.affiliation import academic_affiliation, values_of
from syndb_service.auth.oidc.issuer import Issuer
from syndb_service.domain.access import is_group
from syndb_service.errors import Unauthenticated

ALGORITHMS: Final = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]
TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
MAX_TOKEN_CHARACTERS: Final = 16_384
MAX_USER_CHARACTERS: Final = 255
MAX_GROUPS: Final = 200
LOGIN_HINT: Final = "Log in again: syndb_lab.login(), or ask your operator for a token."


@dataclass(frozen=True, slots=True)
class Rules:
    """What a token must contain, and what is read from it.

    Parameters
    ----------
    audience : str
        Required audience (``aud``).
    leeway_s : int
        Seconds by which clocks may differ.
    claims : tuple of str
        Claims that may contain affiliations.
    affiliations, domains : frozenset of str
        Affiliations that count as academic, and their domains (empty: any domain).
    groups_claim : str
        Claim with the user's groups; empty to read none.
    """

    audience: str
    leeway_s: int
    claims: tuple[str, ...]
    affiliations: frozenset[str]
    domains: frozenset[str]
    groups_claim: str


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """The user of a valid token; it expires at ``expires_at`` (Unix time), ``groups`` is None if not read."""

    user: str
    issuer: str
    affiliation: str | None
    groups: frozenset[str] | None
    expires_at: int


class AccessTokens:
    """Verifies the access tokens of one issuer (JWT, RFC 9068).

    Parameters
    ----------
    issuer : Issuer
        The issuer and its keys.
    rules : Rules
        What the tokens must contain.
    """

    def __init__(self, issuer: Issuer, rules: Rules) -> None:
        self._issuer = issuer
        self._rules = rules

    def verify(self, token: str) -> TokenIdentity:
        """Return the user of a token, identified by issuer and subject, never by an e-mail address.

        Raises
        ------
        Unauthenticated
            If the token is invalid; the message has the reason.
        TransientError
            If the issuer's keys are unavailable.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise _refusal("this token is too long")
        claims = self._claims(token)
        rules = self._rules
        return TokenIdentity(
            user=user_of(self._issuer.url, _subject(claims)),
            issuer=self._issuer.url,
            affiliation=academic_affiliation(claims, rules.claims, rules.affiliations, rules.domains),
            groups=_groups(claims, rules.groups_claim) if rules.groups_claim else None,
            expires_at=int(claims["exp"]),
        )

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            headers = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError):
            raise _refusal("this token can't be read") from None
        algorithm, kid = headers.get("alg"), headers.get("kid")
        if algorithm not in ALGORITHMS:
            raise _refusal("this token is not signed with an accepted algorithm")
        if str(headers.get("typ", "JWT")).lower() not in TYPES:
            raise _refusal("this token is not an access token")
        key = self._issuer.key(kid if isinstance(kid, str) else None)
        if key is None:
            raise _refusal("this token is signed by a key that its issuer does not have (any more)")
        try:
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError):
            raise _refusal("the signature of this token is wrong") from None
        self._check(claims)
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(time.time()),
            leeway=self._rules.leeway_s,
            iss={"essential": True, "value": self._issuer.url},
            aud={"essential": True, "value": self._rules.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except ExpiredTokenError:
            raise _refusal("this token has expired") from None
        except MissingClaimError as error:
            raise _refusal(f"this token lacks {error.claim}") from None
        except InvalidClaimError as error:
            raise _refusal(WRONG.get(error.claim, f"the {error.claim} of this token is wrong")) from None
        except (JoseError, ValueError, TypeError):
            raise _refusal("the claims of this token are invalid") from None


WRONG: Final = {
    "iss": "this token is of another issuer",
    "aud": "this token is issued for another audience",
    "iat": "this token was issued in the future: a clock is wrong",
    "nbf": "this token is not valid yet: a clock may be wrong",
    "exp": "this token has expired",
}


def user_of(issuer: str, subject: str) -> str:
    """Return a user's name: issuer, ``#``, subject. An issuer's URL has no ``#``, so that names are unique.

    Examples
    --------
    >>> user_of("https://login.example.edu", "1234")
    'https://login.example.edu#1234'
    """
    user = f"{issuer}#{subject}"
    if len(user) <= MAX_USER_CHARACTERS:
        return user
    return f"{issuer}#sha256:{hashlib.sha256(subject.encode()).hexdigest()}"


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= 255
        or not (subject.isascii() and subject.isprintable())
        or subject != subject.strip()
        or subject.startswith("sha256:")
    ):
        raise _refusal("the subject of this token is invalid")
    return subject


def _groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset([group for group in values_of(claims.get(name)) if is_group(group)][:MAX_GROUPS])


def _refusal(message: str) -> Unauthenticated:
    return Unauthenticated(message, hint=LOGIN_HINT)
