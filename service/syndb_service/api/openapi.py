"""The OpenAPI document: FastAPI's own, with headers, problem details and answers that it does not know."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from syndb_service.api.schemas.graph_answer import GraphAnswer
from syndb_service.api.schemas.job_record import NotReady, Problem

DESCRIPTION: Final = """Submit SQL or a graph analysis as a job, follow it, fetch the result when it is ready.

A job is `pending`, then `running`, and finally `completed`, `failed` or `cancelled`. To wait for it, pass
its `version` to `GET /v1/jobs/{job_id}?wait=30&version=N`, or listen to `/events`; `GET /v1/jobs/events`
follows up to a hundred jobs in one stream. Errors are problem details (RFC 9457) with a `code` for
programs, and a `detail` and a `hint` for people. Neuron ids above 2^53 are strings in JSON. Every response
has an `X-Request-Id`; one that the request sends is used.
"""
TAGS: Final = [
    {"name": "jobs", "description": "Submit, follow, cancel and run again."},
    {"name": "results", "description": "The rows of a job."},
    {"name": "datasets", "description": "The connectomes that can be queried."},
    {"name": "auth", "description": "Log in, and show the user of a token."},
    {"name": "health", "description": "For operators."},
]
REQUEST_ID: Final = {
    "description": "The id of the request, as the service's log has it.",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/+=-]{1,128}$"},
}
UNUSED_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Serve this document as the OpenAPI schema of ``app``."""

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
    )
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
            responses = operation["responses"]
            if "HTTPValidationError" in str(responses.get("422")):
                del responses["422"]
            for response in responses.values():
                response.setdefault("headers", {})
                response["headers"] = {**response["headers"], "X-Request-Id": REQUEST_ID}
            operation["responses"] = dict(sorted(responses.items()))
    schemas = document["components"]["schemas"]
    for name in UNUSED_SCHEMAS:
        schemas.pop(name, None)
    for model in (Problem, NotReady, GraphAnswer):
        schemas |= _schemas_of(model)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional parameter without null: it is given or not, but never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**kinds[0], **others} if len(kinds) == 1 else schema


def _schemas_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}
