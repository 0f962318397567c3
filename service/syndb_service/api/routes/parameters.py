"""Parameters that several routes share, and the check for unknown ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor

from syndb_service.api.field_errors import refuse_unknown


class JobIdConvertor(Convertor[str]):
    """A job's id in a path: any text except the fixed names of routes."""

    regex = "(?!(?:events|graph|validate)(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        """Return the text unchanged."""
        return value

    def to_string(self, value: str) -> str:
        """Return the id unchanged."""
        return value


async def refuse_unknown_parameters(request: Request) -> None:
    """Reject query parameters that the route does not have.

    Raises
    ------
    InvalidRequest
        If there is one; the message has similar names.
    """
    route = request.scope.get("route")
    if request.query_params and isinstance(route, APIRoute) and route.path.startswith("/v1/"):
        path = route.path.replace(":job", "")
        refuse_unknown(request.query_params, _query_names(route.dependant), f"{request.method} {path}")


def _query_names(dependant: Dependant) -> list[str]:
    """Return the names of the query parameters of a route and of its dependencies."""
    names = [field.alias for field in dependant.query_params]
    return names + [name for dependency in dependant.dependencies for name in _query_names(dependency)]


register_url_convertor("job", JobIdConvertor())

JobId = Annotated[
    str,
    Path(
        description="The job's id.",
        json_schema_extra={"format": "uuid"},
        examples=["6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"],
    ),
]
DatasetId = Annotated[
    str,
    Path(
        description="The dataset's id.",
        json_schema_extra={"format": "uuid"},
        examples=["f59f686b-4d9d-5e6a-b217-c53469b41620"],
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Requests with the same key and body return the same job.",
        examples=["2f1c6a9e"],
    ),
]
