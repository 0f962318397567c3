"""The limit on bodies."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndb_service.api import problem_details
from syndb_service.errors import TooLarge


class BodyLimitMiddleware:
    """Refuses a body as soon as it is longer than ``limit`` bytes (JSON may write one byte as six)."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = problem_details.problem(
            TooLarge(f"the body is longer than {self._limit:,} bytes", hint="Send a shorter query.")
        )
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
            await refusal(scope, receive, send)
            return
        seen = 0
        refused = False

        async def receive_limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= self._limit else {"type": "http.disconnect"}

        async def send_unless_rejected(message: Message) -> None:
            nonlocal refused
            if seen <= self._limit:
                await send(message)
            elif not refused:
                refused = True
                await refusal(scope, receive, send)

        await self._app(scope, receive_limited, send_unless_rejected)
