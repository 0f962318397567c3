"""The routes for operators: whether the service lives, whether it is ready, its figures."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from syndb_service.api import problem_details
from syndb_service.api.dependencies import require_principal
from syndb_service.api.identity_proof import Identity
from syndb_service.api.openapi_responses import Responses, public_error_responses
from syndb_service.api.prometheus import Metrics
from syndb_service.api.readiness import Readiness
from syndb_service.api.schemas.job_record import Health, IdentityProof, Ready
from syndb_service.errors import NotFound, TransientError

router = APIRouter(tags=["health"])

TEXT = {"schema": {"type": "string"}}
NOT_READY = public_error_responses(503)
NOT_READY[503]["description"] = "A part is away: problem details with `ready` and `parts`"
NOT_READY[503]["content"] = {
    problem_details.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/NotReady"}}
}
FIGURES: Responses = {
    200: {
        "description": "Prometheus' text form, or OpenMetrics where that is accepted",
        "content": {"text/plain": TEXT, "application/openmetrics-text": TEXT},
    },
    **public_error_responses(401, 429, 503),
}


@router.get("/health", summary="Does the service live?")
async def health() -> Health:
    """Answer while the process answers at all."""
    return Health(version=version("syndb-lab"))


@router.get(
    "/health/identity",
    summary="Is this the embedded service of a data folder?",
    responses=public_error_responses(404, 422),
)
async def identity(
    request: Request,
    challenge: Annotated[
        str,
        Query(min_length=16, max_length=128, pattern="^[A-Za-z0-9_-]+$", description="Random characters."),
    ],
) -> IdentityProof:
    """Prove it before a token is sent; whoever may read the folder's `service.secret` can check it."""
    known: Identity | None = request.app.state.identity
    if known is None:
        raise NotFound(
            "this service is not an embedded one",
            hint="The certificate of its https address proves who it is.",
        )
    return IdentityProof(proof=known.prove(challenge))


@router.get(
    "/health/ready",
    summary="Is each part there that the service needs?",
    response_model=Ready,
    responses=NOT_READY,
)
async def ready(request: Request) -> Any:
    """Name each part and whether it answers: 200 if all do, 503 if one does not.

    `workers` is named only: without them jobs are taken, and wait.
    """
    readiness: Readiness = request.app.state.readiness
    parts = await readiness.check_all()
    shown = {name: asdict(part) for name, part in parts.items()}
    away = [name for name, part in parts.items() if not part.ok and name not in readiness.optional]
    headers = {"Cache-Control": "no-store"}
    if not away:
        return JSONResponse({"ready": True, "parts": shown}, headers=headers)
    refusal = problem_details.problem_body(
        TransientError(
            f"not ready are {', '.join(away)}",
            code="not_ready",
            hint="`parts` says what is wrong with each; the service's log says more.",
        )
    )
    headers["Retry-After"] = problem_details.RETRY_AFTER
    return JSONResponse({**refusal, "ready": False, "parts": shown}, 503, headers, problem_details.MEDIA_TYPE)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    dependencies=[Depends(require_principal)],
    response_class=PlainTextResponse,
    responses=FIGURES,
)
async def metrics(request: Request) -> Response:
    """Return the figures of all jobs, from the database, and of this process's requests."""
    figures: Metrics = request.app.state.metrics
    text, media_type = await run_in_threadpool(figures.exposition, request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": media_type})
