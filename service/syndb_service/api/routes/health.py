"""The routes for operators: liveness, readiness and metrics."""

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
NOT_READY[503]["description"] = "A dependency is unavailable: problem details with `ready` and `parts`"
NOT_READY[503]["content"] = {
    problem_details.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/NotReady"}}
}
METRICS: Responses = {
    200: {
        "description": "Prometheus' text format, or OpenMetrics if `Accept` allows it",
        "content": {"text/plain": TEXT, "application/openmetrics-text": TEXT},
    },
    **public_error_responses(401, 429, 503),
}


@router.get("/health", summary="Is the service alive?")
async def health() -> Health:
    """Answer 200 while the process responds."""
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
    """Prove it before a client sends a token; readers of the folder's `service.secret` can verify it."""
    embedded: Identity | None = request.app.state.identity
    if embedded is None:
        raise NotFound(
            "this service is not an embedded one",
            hint="The certificate of its https address proves its identity.",
        )
    return IdentityProof(proof=embedded.prove(challenge))


@router.get(
    "/health/ready",
    summary="Is each dependency of the service available?",
    response_model=Ready,
    responses=NOT_READY,
)
async def ready(request: Request) -> Any:
    """Return the state of each dependency: 200 if all respond, 503 if one does not.

    `workers` never makes it 503: without workers, jobs are accepted and stay pending.
    """
    readiness: Readiness = request.app.state.readiness
    parts = await readiness.check_all()
    shown = {name: asdict(part) for name, part in parts.items()}
    unavailable = [name for name, part in parts.items() if not part.ok and name not in readiness.optional]
    headers = {"Cache-Control": "no-store"}
    if not unavailable:
        return JSONResponse({"ready": True, "parts": shown}, headers=headers)
    problem = problem_details.problem_body(
        TransientError(
            f"not ready ({', '.join(unavailable)})",
            code="not_ready",
            hint="`parts` has the error of each; the service's log has the details.",
        )
    )
    headers["Retry-After"] = problem_details.RETRY_AFTER
    return JSONResponse({**problem, "ready": False, "parts": shown}, 503, headers, problem_details.MEDIA_TYPE)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[Depends(require_principal)],
    response_class=PlainTextResponse,
    responses=METRICS,
)
async def metrics(request: Request) -> Response:
    """Return the metrics of all jobs, from the database, and of this process's requests."""
    job_metrics: Metrics = request.app.state.metrics
    text, media_type = await run_in_threadpool(job_metrics.exposition, request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": media_type})
