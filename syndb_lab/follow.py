"""A job's changes as they come: server-sent events, and long polls where those do not get through."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from syndb_lab.errors import ServiceUnavailable
from syndb_lab.transport import Transport

FINAL: Final = frozenset({"completed", "failed", "cancelled"})
HOLD_S: Final = 20
SILENCE_S: Final = 25.0
FRUITLESS_STREAMS: Final = 2
PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard: a record, or (``away_s`` not None) that nothing answers, and for how long."""

    record: dict[str, Any]
    away_s: float | None = None


class NoStreamError(Exception):
    """Server-sent events do not get through."""


def follow(transport: Transport, record: dict[str, Any], stopped: threading.Event) -> Iterator[Heard]:
    """Yield each newer record of a job until it is final, through whatever happens to the connection.

    A stream that breaks is opened again after the last version that was read. Where no stream gets through
    (an old proxy that collects what it should pass on), long polls do. A service that is away is asked again
    and again, and each time said to be away.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The record to start from.
    stopped : threading.Event
        Ends it.

    Raises
    ------
    SyndbError
        Asking again would not help: the token is no longer valid, or there is no such job.
    """
    fruitless, away_since, pauses = 0, None, iter(PAUSES_S)
    while record["status"] not in FINAL and not stopped.is_set():
        streaming = fruitless < FRUITLESS_STREAMS
        alive = False
        try:
            source = streamed(transport, record) if streaming else polled(transport, record)
            for found in source:
                alive = True
                away_since, pauses, fruitless = None, iter(PAUSES_S), 0 if streaming else fruitless
                if stopped.is_set():
                    return
                if found is not None and is_newer(found, record):
                    record = found
                    yield Heard(record)
            if streaming and record["status"] not in FINAL:
                stopped.wait(PAUSES_S[0])
        except NoStreamError:
            fruitless = FRUITLESS_STREAMS
        except (httpx.TransportError, ServiceUnavailable) as error:
            unreached = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | ServiceUnavailable)
            fruitless += streaming and not alive and not unreached
            away_since = away_since or time.monotonic()
            yield Heard(record, away_s=time.monotonic() - away_since)
            stopped.wait(next(pauses, PAUSES_S[-1]))


def is_newer(found: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether a record is of a later version; a final one counts in any case."""
    return bool(found["version"] > record["version"] or found["status"] in FINAL)


def streamed(transport: Transport, record: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
    """Yield the records of one event stream; None for a sign of life."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(record["version"])}
    timeout = httpx.Timeout(SILENCE_S, connect=5.0, pool=None)
    path = f"/v1/jobs/{record['job_id']}/events"
    with transport.stream(path, headers, timeout=timeout) as response:
        if response.status_code == httpx.codes.NO_CONTENT:
            yield transport.get(f"/v1/jobs/{record['job_id']}")
            return
        if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise NoStreamError
        data: list[str] = []
        for line in response.iter_lines():
            if line.startswith("data:"):
                data.append(line[5:].lstrip(" "))
            elif not line and data:
                yield event_record("\n".join(data))
                data = []
            else:
                yield None


def event_record(data: str) -> dict[str, Any]:
    """Read the record of an event; what is none tells of something in between that garbles streams."""
    try:
        record = json.loads(data)
    except ValueError:
        raise NoStreamError from None
    if not isinstance(record, dict) or not {"version", "status", "job_id"} <= record.keys():
        raise NoStreamError
    return record


def polled(transport: Transport, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the record once it has changed, or after ``HOLD_S`` seconds as it is."""
    found: dict[str, Any] = transport.get(
        f"/v1/jobs/{record['job_id']}",
        {"wait": HOLD_S, "version": record["version"]},
        timeout=HOLD_S + 15,
    )
    yield found
