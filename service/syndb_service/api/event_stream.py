"""A job's changes as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool

from syndb_service.api.schemas import job_record
from syndb_service.api.waiting import WaitingRoom
from syndb_service.domain.jobs import Job
from syndb_service.errors import ServiceError

HEARTBEAT_S = 15.0
RECHECK_S = 60.0
RETRY_MS = 1000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def event_stream(
    room: WaitingRoom,
    read: Callable[[], Job],
    version: int,
    recheck: Callable[[], object],
    heartbeat_s: float = HEARTBEAT_S,
    recheck_s: float = RECHECK_S,
) -> AsyncIterator[str]:
    """Yield one event for each change of a record, and a comment where nothing happens for a while.

    Parameters
    ----------
    room : WaitingRoom
        Where to wait without a thread.
    read : callable
        Reads the job.
    version : int
        What the listener knows already.
    recheck : callable
        Raises if the listener's token is good no more.
    heartbeat_s, recheck_s : float
        Seconds of silence before a comment is sent, so that proxies keep the connection; seconds after
        which the token is looked at again.

    Notes
    -----
    Changes that follow each other faster than they are read come as one event, the last of them. The
    stream ends after the final record, when the service stops, when a part of it is away or the token has
    ended: a listener comes back with ``Last-Event-ID``, and misses nothing or is told why.
    """
    yield f"retry: {RETRY_MS}\n\n"
    job: Job | None = None
    checked_at = time.monotonic()
    while not room.closed:
        try:
            if time.monotonic() - checked_at >= recheck_s:
                await run_in_threadpool(recheck)
                checked_at = time.monotonic()
            job = await room.wait(read, version, heartbeat_s, job)
        except ServiceError:
            return
        if job.version > version:
            version = job.version
            yield f"id: {version}\nevent: job\ndata: {job_record(job).model_dump_json()}\n\n"
        elif not job.status.final:
            yield ": still here\n\n"
        if job.status.final:
            return
