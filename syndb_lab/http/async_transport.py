"""An adapter that lets an event loop use a blocking httpx transport, such as one from a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx

DONE: Final = object()


class Mounted(httpx.AsyncBaseTransport):
    """Sends each request in a worker thread.

    Parameters
    ----------
    transport : httpx.BaseTransport
        The blocking transport that sends the requests.
    """

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        response = await asyncio.to_thread(self._transport.handle_request, request)
        if isinstance(response.stream, httpx.SyncByteStream) and not response.is_stream_consumed:
            response.stream = _Stream(response.stream)
        return response


class _Stream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._stream)
        while isinstance(chunk := await asyncio.to_thread(next, chunks, DONE), bytes):
            yield chunk

    async def aclose(self) -> None:
        self._stream.close()
