"""Middleware that declares every body as JSON."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class JsonContentTypeMiddleware:
    """Replaces the Content-Type of every request by JSON: `curl -d` declares a form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with `application/json`."""
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
            scope["headers"] = [*others, (b"content-type", b"application/json")]
        await self._app(scope, receive, send)
