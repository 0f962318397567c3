"""The routes of the login, and of the user of a token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import BaseModel, Field

from syndb_service.api.dependencies import Wired, bearer, bearer_token, require_principal
from syndb_service.api.openapi_responses import public_error_responses
from syndb_service.api.rate_limit import PRINCIPAL
from syndb_service.api.schemas.field_types import Moment
from syndb_service.domain.access import Principal

router = APIRouter(prefix="/v1/auth", tags=["auth"])


class LoginRecord(BaseModel):
    """How to log in at the OpenID provider, as a public client: with PKCE, or by a device code."""

    issuer: str = Field(description="Its `/.well-known/openid-configuration` has its endpoints.")
    client_id: str
    scope: str
    audience: str = Field(description="Required audience (`aud`) of the access token.")


class AuthRecord(BaseModel):
    """How users get a token; ``login`` is null if only the operator creates tokens."""

    login: LoginRecord | None


class StandingRecord(BaseModel):
    """The academic affiliation of a user, with its issuer and the time of its verification."""

    issuer: str
    affiliation: str
    verified_at: Moment


class PersonRecord(BaseModel):
    """The user of a token."""

    user: str
    academic: bool
    standing: StandingRecord | None
    groups: list[str]
    token_id: str | None
    expires_at: Moment | None


class TokenRecord(PersonRecord):
    """A new token of this service; it is shown only once."""

    token: str


@router.get("", summary="How do I log in?", responses=public_error_responses(429))
def show_login(service: Wired) -> AuthRecord:
    """Return how to log in."""
    settings = service.settings
    if not (settings.oidc_issuer and settings.oidc_client_id):
        return AuthRecord(login=None)
    return AuthRecord(
        login=LoginRecord(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            scope=settings.oidc_scope,
            audience=settings.oidc_audience,
        )
    )


@router.get("/me", summary="Who am I?", responses=public_error_responses(401, 429, 503))
def show_me(principal: Annotated[Principal, Depends(require_principal)]) -> PersonRecord:
    """Return the user of the token, with academic status and groups."""
    return PersonRecord(**_person(principal))


@router.post(
    "/tokens",
    status_code=201,
    summary="Turn an access token of the OpenID provider into a token of this service",
    responses=public_error_responses(401, 404, 429, 503),
)
def make_token(
    request: Request,
    service: Wired,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> TokenRecord:
    """Store the user's affiliation from the provider's token, and create a token with an expiry date."""
    issued = service.authentication.exchange(bearer_token(credentials))
    request.scope[PRINCIPAL] = issued.principal
    return TokenRecord(token=issued.token, **_person(issued.principal))


def _person(principal: Principal) -> dict[str, Any]:
    standing = principal.standing
    return {
        "user": principal.user,
        "academic": principal.academic,
        "standing": None
        if standing is None
        else StandingRecord(
            issuer=standing.issuer, affiliation=standing.affiliation, verified_at=standing.verified_at
        ),
        "groups": sorted(principal.groups),
        "token_id": principal.token_id,
        "expires_at": principal.expires_at,
    }
