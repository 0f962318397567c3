"""Changes of jobs as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool

from syndb_service.api.job_change_hub import JobChangeHub, Listener
from syndb_service.api.problem_details import problem_body
from syndb_service.api.schemas.job_record import job_record
from syndb_service.domain.jobs import Job
from syndb_service.errors import NotFound, ServiceError

HEARTBEAT_S: Final = 2.0
RECHECK_S: Final = 60.0
RETRY_MS: Final = 1000
HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "Syndb-Heartbeat": f"{HEARTBEAT_S:g}",
}
LINE_ENDS: Final = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""What JSON may hold as it is, and what readers that split lines as Python does would cut an event at."""

Read = Callable[[Collection[str]], Mapping[str, Job]]


async def event_stream(
    room: JobChangeHub,
    read: Read,
    known: Mapping[str, int],
    recheck: Callable[[], object],
    *,
    name: Callable[[Job], str],
    heartbeat_s: float = HEARTBEAT_S,
    recheck_s: float = RECHECK_S,
) -> AsyncIterator[str]:
    """Yield one event for each change of some jobs, and a comment where nothing happens for a while.

    Parameters
    ----------
    room : WaitingRoom
        Where to wait without a thread.
    read : callable
        Reads those of the given jobs that are the listener's.
    known : mapping
        The jobs, and the version of each that the listener knows already; 0 for none.
    recheck : callable
        Raises if the listener's token is good no more.
    name : callable
        Makes the ``id`` of the event that tells a job.
    heartbeat_s, recheck_s : float
        Seconds of silence before a comment is sent, so that proxies keep the connection and a listener
        notices one that is dead; seconds after which the token is looked at again.

    Notes
    -----
    Changes that follow each other faster than they are read come as one event, the last of them. The
    stream ends after the last final record, when the service stops, when a part of it is away or the token
    has ended: a listener comes back with what he knows, and misses nothing or is told why.
    """
    yield f"retry: {RETRY_MS}\n\n"
    followed, due = dict(known), set(known)
    checked_at = time.monotonic()
    with room.listen(tuple(known)) as listener:
        while followed and not room.closed:
            try:
                if time.monotonic() - checked_at >= recheck_s:
                    await run_in_threadpool(recheck)
                    checked_at = time.monotonic()
                found = await run_in_threadpool(read, due) if due else {}
            except ServiceError:
                return
            events = [
                event
                for job_id in sorted(due)
                for event in _events(room, listener, followed, job_id, found.get(job_id), name)
            ]
            for event in events or [": still here\n\n"]:
                yield event
            due = await listener.wait_for_changes(heartbeat_s) & followed.keys() if followed else set()


def _events(
    room: JobChangeHub,
    listener: Listener,
    followed: dict[str, int],
    job_id: str,
    job: Job | None,
    name: Callable[[Job], str],
) -> list[str]:
    """Tell what is new of a job, and follow it no more where nothing will be."""
    if job is None:
        del followed[job_id]
        room.leave(job_id, listener)
        absent = NotFound(
            f"there is no job {job_id!r} of yours",
            code="job_not_found",
            hint="GET /v1/jobs lists your jobs.",
        )
        return [_event("refused", json.dumps({"job_id": job_id, **problem_body(absent)}))]
    room.note(job, listener)
    is_new = job.version != followed[job_id]
    if job.status.final:
        del followed[job_id]
        room.leave(job_id, listener)
    else:
        followed[job_id] = job.version
    return [_event("job", _record(job), name(job))] if is_new or job.status.final else []


def _event(kind: str, data: str, event_id: str | None = None) -> str:
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {kind}\ndata: {data}\n\n"


def _record(job: Job) -> str:
    return job_record(job).model_dump_json().translate(LINE_ENDS)
