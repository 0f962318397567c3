"""What a service says of jobs as they change: one connection, from its opening to its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from syndb_lab.errors import JobNotFound, SyndbError
from syndb_lab.http.error_mapping import error_from_response, retry_after
from syndb_lab.http.server_sent_events import EventLines, GarbledStreamError
from syndb_lab.next_steps.next_step import Action, NextStep

HOLD_S: Final = 10
HEAD_S: Final = 10.0
SILENCE_S: Final = 25.0
BEATS: Final = 2
SLACK_S: Final = 0.5
PASSING: Final = frozenset({408, 425, 429})
NO_SUCH_ROUTE: Final = frozenset({400, 404, 405, 414, 422, 431})

ServiceRecord = tuple[str | None, dict[str, Any] | SyndbError | None]
"""A job's id with its record, or with why it is not followed; or a sign of life: (None, None)."""


class RefusedError(Exception):
    """The service refuses for good: asking again would not help."""

    def __init__(self, error: SyndbError) -> None:
        super().__init__(error)
        self.error = error


class TroubleError(Exception):
    """It may go better in a moment: nothing answers, the service is away or overloaded, the line is bad.

    Parameters
    ----------
    words : str
        What was met, for who waits.
    error : SyndbError, optional
        What the service said.
    reached : bool
        Whether something answered.
    after_s : float, optional
        When to ask again, if the service said so.
    """

    def __init__(
        self,
        words: str,
        *,
        error: SyndbError | None = None,
        reached: bool = True,
        after_s: float | None = None,
    ) -> None:
        super().__init__(words)
        self.words = words
        self.error = error
        self.reached = reached
        self.after_s = after_s


class GarbledError(TroubleError):
    """What comes is no record of a job."""

    def __init__(self) -> None:
        super().__init__("what answers is garbled")


class UnknownRouteError(Exception):
    """The service is older than streams of several jobs."""


async def iter_event_stream(
    client: httpx.AsyncClient, known: Mapping[str, int]
) -> AsyncGenerator[ServiceRecord, None]:
    """Yield what the service tells of some jobs by one event stream, until that ends.

    Parameters
    ----------
    client : httpx.AsyncClient
        The connection.
    known : mapping
        The version of each job that is known already.

    Raises
    ------
    TroubleError
        The stream is broken, silent for too long, or none.
    RefusedError
        The service refuses for good.
    UnknownRouteError
        The service can't follow several jobs by one stream.
    """
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if len(known) == 1:
        ((job_id, version),) = known.items()
        request = client.build_request(
            "GET", f"/v1/jobs/{job_id}/events", headers=headers | {"Last-Event-ID": str(version)}
        )
    else:
        asked = [f"{job_id}:{version}" for job_id, version in known.items()]
        request = client.build_request("GET", "/v1/jobs/events", params={"job": asked}, headers=headers)
    async with _send_request(client, request, several=len(known) > 1) as response:
        if response.status_code == httpx.codes.NO_CONTENT:
            async for told in iter_long_poll(client, next(iter(known)), 0, hold_s=0):
                yield told
            return
        if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise TroubleError("what answers is no stream of events")
        lines, silence_s = EventLines(), silence(response)
        chunks = response.aiter_bytes().__aiter__()
        while True:
            async with _limit_step(silence_s):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            for event in lines.feed(chunk):
                yield read_event(event.kind, event.data)


async def iter_long_poll(
    client: httpx.AsyncClient, job_id: str, version: int, hold_s: float = HOLD_S
) -> AsyncGenerator[ServiceRecord, None]:
    """Yield the record of a job once it has changed, or after ``hold_s`` seconds as it is.

    Raises
    ------
    TroubleError, RefusedError
        As for :func:`streamed`.
    """
    asked = {"wait": hold_s, "version": version}
    request = client.build_request("GET", f"/v1/jobs/{job_id}", params=asked)
    async with _send_request(client, request, hold_s=hold_s) as response:
        async with _limit_step(HEAD_S):
            content = await response.aread()
        yield job_id, read_record(content)


def silence(response: httpx.Response) -> float:
    """Say for how many seconds a stream may be silent: it promises a sign of life, or did so every 15 s."""
    try:
        return BEATS * float(response.headers["Syndb-Heartbeat"]) + SLACK_S
    except (KeyError, ValueError):
        return SILENCE_S


def read_event(kind: str, data: str) -> ServiceRecord:
    """Read an event; what is none tells of something in between that garbles streams."""
    if not kind:
        return None, None
    if kind == "refused":
        try:
            problem = json.loads(data)
            error = JobNotFound(
                str(problem["detail"]), code=problem.get("code"), hint=NextStep(Action.LIST_JOBS)
            )
            return str(problem["job_id"]), error
        except (ValueError, LookupError, TypeError, AttributeError):
            raise GarbledError from None
    record = read_record(data)
    return str(record["job_id"]), record


def read_record(text: str | bytes) -> dict[str, Any]:
    """Read a job's record.

    Raises
    ------
    TroubleError
        It is none.
    """
    try:
        record = json.loads(text)
    except ValueError:
        raise GarbledError from None
    if not isinstance(record, dict) or not {"version", "status", "job_id"} <= record.keys():
        raise GarbledError
    return record


@asynccontextmanager
async def _send_request(
    client: httpx.AsyncClient, request: httpx.Request, *, several: bool = False, hold_s: float = 0.0
) -> AsyncIterator[httpx.Response]:
    """Send a request, and sort out what is no answer to it."""
    async with _limit_step(hold_s + HEAD_S):
        response = await client.send(request, stream=True)
    try:
        if several and response.status_code in NO_SUCH_ROUTE:
            raise UnknownRouteError
        if response.is_error:
            async with _limit_step(HEAD_S):
                await response.aread()
            error = error_from_response(response)
            status = response.status_code
            if status in PASSING or status >= 500:
                raise TroubleError(
                    f"the service answers {status}", error=error, after_s=retry_after(response)
                )
            raise RefusedError(error)
        yield response
    except GarbledStreamError:
        raise GarbledError from None
    finally:
        await response.aclose()


@asynccontextmanager
async def _limit_step(seconds: float) -> AsyncIterator[None]:
    """Bound a step of the conversation, and say of each way that it breaks what it is."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise TroubleError("the service does not answer", reached=False) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise TroubleError("the service is silent") from error
    except httpx.RequestError as error:
        raise TroubleError(f"the connection broke ({type(error).__name__})") from error
