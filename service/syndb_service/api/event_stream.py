"""A job's changes as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from syndb_service.api.schemas import job_record
from syndb_service.api.waiting import WaitingRoom
from syndb_service.domain.jobs import Job
from syndb_service.errors import ServiceError

HEARTBEAT_S = 15.0
RETRY_MS = 1000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def event_stream(
    room: WaitingRoom, read: Callable[[], Job], version: int, heartbeat_s: float = HEARTBEAT_S
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
    heartbeat_s : float
        Seconds of silence before a comment is sent, so that proxies keep the connection.

    Notes
    -----
    Changes that follow each other faster than they are read come as one event, the last of them. The
    stream ends after the final record, when the service stops or when a part of it is away: a listener
    comes back with ``Last-Event-ID`` and misses nothing.
    """
    yield f"retry: {RETRY_MS}\n\n"
    job: Job | None = None
    while not room.closed:
        try:
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
