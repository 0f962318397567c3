"""The response with a result file: complete, in ranges, or 304 if the client has it."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import format_datetime
from typing import Final

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from syndb_service.api.byte_ranges import Span, parse_range
from syndb_service.domain.jobs import MEDIA_TYPES
from syndb_service.jobs.result_file import ResultFile
from syndb_service.results import OpenedResult

Part = tuple[bytes, Span]

CRLF: Final = b"\r\n"


def result_response(file: ResultFile, request_headers: Mapping[str, str], *, head: bool) -> Response:
    """Build the response to a GET or HEAD of a result.

    Parameters
    ----------
    file : ResultFile
        The result.
    request_headers : mapping of str to str
        Headers of the request; ``If-None-Match``, ``Range`` and ``If-Range`` are used.
    head : bool
        Whether to return the headers alone.

    Raises
    ------
    RangeNotSatisfiable
        If the range is outside the file.
    Lost, Damaged
        If the file is missing from the store, or its content has changed.
    TransientError
        If the store is unavailable.
    """
    headers = _headers(file)
    if _has_etag(request_headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    size, media_type = file.bytes, MEDIA_TYPES[file.format]
    headers["Content-Disposition"] = f'attachment; filename="{file.filename}"'
    if head:
        file.require_intact()
        return Response(headers=headers | {"Content-Length": str(size)}, media_type=media_type)
    spans = None
    if "range" in request_headers and request_headers.get("if-range", headers["ETag"]) in (
        headers["ETag"],
        headers["Last-Modified"],
    ):
        spans = parse_range(request_headers["range"], size)
    if spans is None:
        return _stream(file, [(b"", Span(0, size))], b"", 200, headers, media_type)
    if len(spans) == 1:
        headers["Content-Range"] = _content_range(spans[0], size)
        return _stream(file, [(b"", spans[0])], b"", 206, headers, media_type)
    boundary = secrets.token_hex(16)
    parts = [(_part_head(boundary, media_type, span, size), span) for span in spans]
    closing = CRLF + f"--{boundary}--".encode() + CRLF
    return _stream(file, parts, closing, 206, headers, f"multipart/byteranges; boundary={boundary}")


def _headers(file: ResultFile) -> dict[str, str]:
    headers = {
        "ETag": f'"{file.sha256}"',
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(file.sha256)).decode()}:",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private",
        "Last-Modified": format_datetime(file.finished_at, usegmt=True),
    }
    if file.expires_at is not None:
        headers["Expires"] = format_datetime(file.expires_at, usegmt=True)
    return headers


def _has_etag(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or "*" in tags


def _content_range(span: Span, size: int) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{size}"


def _part_head(boundary: str, media_type: str, span: Span, size: int) -> bytes:
    lines = (
        "",
        f"--{boundary}",
        f"Content-Type: {media_type}",
        f"Content-Range: {_content_range(span, size)}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def _stream(
    file: ResultFile,
    parts: Sequence[Part],
    closing: bytes,
    status: int,
    headers: dict[str, str],
    media_type: str,
) -> Response:
    """Stream the ranges; read the first chunk before the status is sent, so that an outage becomes a 503."""
    first = file.open(*parts[0][1])
    try:
        first_chunk = next(first.chunks, b"")
    except BaseException:
        first.close()
        raise
    length = sum(len(head) + span.stop - span.start for head, span in parts) + len(closing)
    headers["Content-Length"] = str(length)
    return StreamingResponse(_chunks(file, parts, closing, first, first_chunk), status, headers, media_type)


async def _chunks(
    file: ResultFile, parts: Sequence[Part], closing: bytes, opened: OpenedResult, first_chunk: bytes
) -> AsyncIterator[bytes]:
    try:
        for number, (head, span) in enumerate(parts):
            if number:
                opened.close()
                opened = await run_in_threadpool(file.open, *span)
            if head:
                yield head
            if not number and first_chunk:
                yield first_chunk
            async for chunk in iterate_in_threadpool(opened.chunks):
                yield chunk
        if closing:
            yield closing
    finally:
        opened.close()
