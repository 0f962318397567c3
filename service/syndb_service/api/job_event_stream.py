"""Server-sent events for changes of jobs."""

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
"""Line ends that JSON allows unescaped, at which readers that use ``str.splitlines`` would split an event."""

Read = Callable[[Collection[str]], Mapping[str, Job]]


async def event_stream(
    change_hub: JobChangeHub,
    read: Read,
    known: Mapping[str, int],
    recheck: Callable[[], object],
    *,
    name: Callable[[Job], str],
    heartbeat_s: float = HEARTBEAT_S,
    recheck_s: float = RECHECK_S,
) -> AsyncIterator[str]:
    """Yield an event for each change of the jobs, and a comment after ``heartbeat_s`` seconds without one.

    Parameters
    ----------
    change_hub : JobChangeHub
        Wakes the stream when one of the jobs changes.
    read : callable
        Returns those of the given jobs that belong to the client's user.
    known : mapping
        The version of each job that the client already has; 0 for none.
    recheck : callable
        Raises if the client's token is no longer valid.
    name : callable
        Returns the ``id`` of a job's event.
    heartbeat_s : float
        Seconds without an event after which a comment is sent: proxies keep the connection, and the client
        detects a dead one.
    recheck_s : float
        Seconds between two checks of the token.

    Notes
    -----
    Changes that follow each other faster than they are read are sent as one event, with the last record. The
    stream ends after the last final record, when the service stops, when a dependency is unavailable and when
    the token is no longer valid. A client that reconnects with its versions misses no change.
    """
    yield f"retry: {RETRY_MS}\n\n"
    followed, due = dict(known), set(known)
    checked_at = time.monotonic()
    with change_hub.listen(tuple(known)) as listener:
        while followed and not change_hub.closed:
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
                for event in _events(change_hub, listener, followed, job_id, found.get(job_id), name)
            ]
            for event in events or [": still here\n\n"]:
                yield event
            due = await listener.wait_for_changes(heartbeat_s) & followed.keys() if followed else set()


def _events(
    change_hub: JobChangeHub,
    listener: Listener,
    followed: dict[str, int],
    job_id: str,
    job: Job | None,
    name: Callable[[Job], str],
) -> list[str]:
    """Return the events of a job's record; stop following a job that is final or missing."""
    if job is None:
        del followed[job_id]
        change_hub.leave(job_id, listener)
        error = NotFound(
            f"there is no job {job_id!r} of yours",
            code="job_not_found",
            hint="GET /v1/jobs lists your jobs.",
        )
        return [_event("refused", json.dumps({"job_id": job_id, **problem_body(error)}))]
    change_hub.note(job, listener)
    is_new = job.version != followed[job_id]
    if job.status.final:
        del followed[job_id]
        change_hub.leave(job_id, listener)
    else:
        followed[job_id] = job.version
    return [_event("job", _record(job), name(job))] if is_new or job.status.final else []


def _event(kind: str, data: str, event_id: str | None = None) -> str:
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {kind}\ndata: {data}\n\n"


def _record(job: Job) -> str:
    return job_record(job).model_dump_json().translate(LINE_ENDS)
