"""Middleware for bodies: it limits their size, and declares them as JSON."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndb_service.api import problem_details
from syndb_service.errors import TooLarge


class BodyLimitMiddleware:
    """Answers 413 as soon as a body exceeds ``limit`` bytes (JSON may escape one byte as six)."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count the bytes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = problem_details.problem(
            TooLarge(f"the body is longer than {self._limit:,} bytes", hint="Send a shorter query.")
        )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
            await too_large(scope, receive, send)
            return
        received = 0
        is_rejected = False

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self._limit else {"type": "http.disconnect"}

        async def send_unless_rejected(message: Message) -> None:
            nonlocal is_rejected
            if received <= self._limit:
                await send(message)
            elif not is_rejected:
                is_rejected = True
                await too_large(scope, receive, send)

        await self._app(scope, receive_limited, send_unless_rejected)


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
