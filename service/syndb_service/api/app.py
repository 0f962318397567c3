"""The FastAPI application: its routes, error handlers and middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from syndb_service.api import openapi, problem_details
from syndb_service.api.concurrency_limit import UserConcurrencyLimit
from syndb_service.api.identity_proof import Identity
from syndb_service.api.job_change_hub import JobChangeHub
from syndb_service.api.middleware.request_body import BodyLimitMiddleware, JsonContentTypeMiddleware
from syndb_service.api.middleware.request_log import RequestLogMiddleware
from syndb_service.api.middleware.security_headers import SecurityHeadersMiddleware
from syndb_service.api.prometheus import Metrics
from syndb_service.api.rate_limit import RateLimit
from syndb_service.api.readiness import Readiness
from syndb_service.api.routes import auth, datasets, events, health, jobs, results
from syndb_service.api.routes.parameters import refuse_unknown_parameters
from syndb_service.api.stream_limit import StreamLimit
from syndb_service.broker import EMBEDDED
from syndb_service.container import Container
from syndb_service.runtime import background
from syndb_service.runtime.temp_directory import check_temp_folder
from syndb_service.store import ChangeListener
from syndb_service.store.statistics import read_statistics
from syndb_service.worker.worker_monitor import WorkerMonitor

BODY_OVERHEAD = 256 * 1024
METHODS = ["GET", "HEAD", "POST", "PATCH", "DELETE"]
REQUEST_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-Request-Id",
]
EXPOSED_HEADERS = [
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Expires",
    "Link",
    "Location",
    "Repr-Digest",
    "Retry-After",
    "Syndb-Heartbeat",
    "WWW-Authenticate",
    "X-Request-Id",
]


def create_app(service: Container, identity: Identity | None = None) -> FastAPI:
    """Build the application of a service; ``identity`` proves an embedded one to its clients."""
    app = create_routed_app()
    change_hub = JobChangeHub(service.store.versions, lambda: change_listener.is_listening)
    change_listener = ChangeListener(service.database, change_hub.on_job_changed)
    service.changes.listeners.append(change_hub.on_job_changed)
    metrics = Metrics(lambda: read_statistics(service.database))
    app.state.service = service
    app.state.identity = identity
    app.state.job_change_hub = change_hub
    app.state.change_listener = change_listener
    app.state.metrics = metrics
    app.state.concurrency_limit = UserConcurrencyLimit()
    app.state.stream_limit = StreamLimit()
    monitor = WorkerMonitor(service.store, service.worker_reports, service.dispatcher.check)
    app.state.worker_monitor = monitor
    app.state.readiness = Readiness(_checks(service, monitor), optional=frozenset({"workers"}))
    app.add_middleware(JsonContentTypeMiddleware)
    settings = service.settings
    app.add_middleware(BodyLimitMiddleware, limit=6 * settings.max_query_bytes + BODY_OVERHEAD)
    app.add_middleware(
        RateLimit,
        requests=settings.rate_requests,
        window_s=settings.rate_window_s,
        redis_url=settings.broker if settings.broker.startswith(("redis://", "rediss://")) else None,
    )
    if settings.cors_allowed:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_allowed,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(RequestLogMiddleware, count=metrics.count)
    app.add_middleware(SecurityHeadersMiddleware)
    return app


def _checks(service: Container, monitor: WorkerMonitor) -> dict[str, Callable[[], object]]:
    """Return the check of each dependency; temporary files are checked where jobs run in this process."""
    checks: dict[str, Callable[[], object]] = {
        "database": service.database.ready,
        "broker": service.dispatcher.check,
        "results": service.results.ready,
        "warehouse": service.warehouse.ready,
        "engine": lambda: service.query_checker.check("SELECT 1", {}),
        "threads": background.check,
        "workers": monitor.check,
    }
    if service.database.shared:
        checks["clock"] = service.database.check_clock
    if service.settings.broker == EMBEDDED:
        checks["temporary_files"] = lambda: check_temp_folder(service.settings.temp_path)
    return checks


def create_routed_app() -> FastAPI:
    """Build the application's routes and OpenAPI document, without a service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.job_change_hub.open()
        app.state.change_listener.start()
        app.state.worker_monitor.start()
        yield
        await run_in_threadpool(app.state.worker_monitor.stop)
        await run_in_threadpool(app.state.change_listener.close)

    app = FastAPI(
        title="syndb-lab jobs",
        version=version("syndb-lab"),
        summary="Query and graph jobs on connectomes.",
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        dependencies=[Depends(refuse_unknown_parameters)],
    )
    for router in (
        jobs.router,
        events.router,
        results.router,
        datasets.router,
        auth.router,
        health.router,
    ):
        app.include_router(router)
    problem_details.install(app)
    openapi.install(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
