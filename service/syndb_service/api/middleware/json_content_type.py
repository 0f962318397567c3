"""Bodies are JSON, whatever they are called."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class JsonContentTypeMiddleware:
    """Reads every body as JSON, whatever its Content-Type says: `curl -d` calls it a form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the Content-Type that all bodies here have."""
        if scope["type"] == "http":
            others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
            scope["headers"] = [*others, (b"content-type", b"application/json")]
        await self._app(scope, receive, send)
