"""Dependencies of the routes: the container, the principal of a request, and its academic status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from syndb_service.api.rate_limit import PRINCIPAL
from syndb_service.container import Container
from syndb_service.domain.access import Principal
from syndb_service.errors import AcademicRequired, Unauthenticated

bearer = HTTPBearer(
    auto_error=False, description="A token of this service, or an access token of its OpenID provider."
)


def get_container(request: Request) -> Container:
    """Return the container that the application was built for."""
    service: Container = request.app.state.service
    return service


def require_principal(
    request: Request,
    service: Annotated[Container, Depends(get_container)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Principal:
    """Return the principal of the request.

    Raises
    ------
    Unauthenticated
        If the request has no valid token.
    """
    principal = service.authentication.principal(bearer_token(credentials))
    request.scope[PRINCIPAL] = principal
    return principal


def bearer_token(credentials: HTTPAuthorizationCredentials | None) -> str:
    """Return the token of the request.

    Raises
    ------
    Unauthenticated
        If the request has none.
    """
    if credentials is None or not credentials.credentials:
        raise Unauthenticated(
            "a token is needed",
            hint="Send `Authorization: Bearer TOKEN`; "
            "syndb_lab.login() or `syndb-lab token create` makes one.",
        )
    return credentials.credentials


def require_academic(principal: Annotated[Principal, Depends(require_principal)]) -> Principal:
    """Return the principal of the request, whose academic status must be verified.

    Raises
    ------
    Unauthenticated
        If the request has no valid token.
    AcademicRequired
        If the token's user is not verified as academic.
    """
    if not principal.academic:
        raise AcademicRequired(
            "this token's user is not verified as academic",
            hint="Log in with an institution that names your affiliation (syndb_lab.login()), or ask your "
            "operator for an academic token (`syndb-lab token create --user NAME --academic`).",
        )
    return principal


def recheck_principal(
    service: Annotated[Container, Depends(get_container)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Callable[[], Principal]:
    """Return a function that checks the request's token again, for long responses."""
    token = bearer_token(credentials)
    return lambda: require_academic(service.authentication.principal(token))


Caller = Annotated[Principal, Depends(require_academic)]
Recheck = Annotated[Callable[[], Principal], Depends(recheck_principal)]
Wired = Annotated[Container, Depends(get_container)]
