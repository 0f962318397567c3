"""One connection that delivers events of jobs: an event stream or a long poll, from opening to end."""

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
MISSED_HEARTBEATS: Final = 2
SLACK_S: Final = 0.5
PASSING: Final = frozenset({408, 425, 429})
NO_SUCH_ROUTE: Final = frozenset({400, 404, 405, 414, 422, 431})

ServiceRecord = tuple[str | None, dict[str, Any] | SyndbError | None]
"""A job's id with its record, or with the error that prevents following it; (None, None) is a heartbeat."""


class RefusedError(Exception):
    """A permanent error of the service: a retry would not help."""

    def __init__(self, error: SyndbError) -> None:
        super().__init__(error)
        self.error = error


class TroubleError(Exception):
    """A transient error: no response, an unavailable or overloaded service, or a broken connection.

    Parameters
    ----------
    message : str
        What went wrong, for the user who waits.
    error : SyndbError, optional
        The service's own error.
    reached : bool
        Whether any server responded.
    after_s : float, optional
        Seconds to wait before the next try, if the service named them.
    """

    def __init__(
        self,
        message: str,
        *,
        error: SyndbError | None = None,
        reached: bool = True,
        after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error = error
        self.reached = reached
        self.after_s = after_s


class GarbledError(TroubleError):
    """A response that contains no valid record of a job."""

    def __init__(self) -> None:
        super().__init__("what answers is garbled")


class UnknownRouteError(Exception):
    """The service is too old to stream several jobs at once."""


async def iter_event_stream(
    client: httpx.AsyncClient, known: Mapping[str, int]
) -> AsyncGenerator[ServiceRecord, None]:
    """Yield what one event stream reports of several jobs, until the stream ends.

    Parameters
    ----------
    client : httpx.AsyncClient
        The HTTP client.
    known : mapping
        The latest known version of each job, by job id.

    Raises
    ------
    TroubleError
        The stream broke, was silent for too long, or is not an event stream.
    RefusedError
        The service reported a permanent error.
    UnknownRouteError
        The service can't stream several jobs at once.
    """
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if len(known) == 1:
        ((job_id, version),) = known.items()
        request = client.build_request(
            "GET", f"/v1/jobs/{job_id}/events", headers=headers | {"Last-Event-ID": str(version)}
        )
    else:
        jobs = [f"{job_id}:{version}" for job_id, version in known.items()]
        request = client.build_request("GET", "/v1/jobs/events", params={"job": jobs}, headers=headers)
    async with _send_request(client, request, several=len(known) > 1) as response:
        if response.status_code == httpx.codes.NO_CONTENT:
            async for record in iter_long_poll(client, next(iter(known)), 0, hold_s=0):
                yield record
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
    """Yield the record of a job when it changes, or unchanged after ``hold_s`` seconds.

    Raises
    ------
    TroubleError, RefusedError
        As for :func:`iter_event_stream`.
    """
    params = {"wait": hold_s, "version": version}
    request = client.build_request("GET", f"/v1/jobs/{job_id}", params=params)
    async with _send_request(client, request, hold_s=hold_s) as response:
        async with _limit_step(HEAD_S):
            content = await response.aread()
        yield job_id, read_record(content)


def silence(response: httpx.Response) -> float:
    """Return for how many seconds a stream may be silent, from the heartbeat interval that it announces."""
    try:
        return MISSED_HEARTBEATS * float(response.headers["Syndb-Heartbeat"]) + SLACK_S
    except (KeyError, ValueError):
        return SILENCE_S


def read_event(kind: str, data: str) -> ServiceRecord:
    """Parse an event of the stream into a record, an error or a heartbeat.

    Raises
    ------
    TroubleError
        The event is invalid: something between service and client garbles the stream.
    """
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
    """Parse a job's record.

    Raises
    ------
    TroubleError
        The text is not a record.
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
    """Send a request, and raise for every response that does not answer it."""
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
    """Limit the time of one network step, and raise every failure of it as ``TroubleError``."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise TroubleError("the service does not answer", reached=False) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise TroubleError("the service is silent") from error
    except httpx.RequestError as error:
        raise TroubleError(f"the connection broke ({type(error).__name__})") from error
