"""The follower: one thread that follows any number of jobs over a few connections and reopens broken ones."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Final

import httpx

from syndb_lab.errors import ServiceUnavailable, SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.http.event_connection import (
    RefusedError,
    TroubleError,
    UnknownRouteError,
    iter_event_stream,
    iter_long_poll,
)
from syndb_lab.http.event_loop_thread import LoopThread, wait_for_wake
from syndb_lab.http.job_subscription import FINAL, Following, JobUpdate, is_newer
from syndb_lab.http.transport import Transport

__all__ = ["FINAL", "Follower", "Following", "JobUpdate", "follower_of", "iter_updates"]

JOBS_A_STREAM: Final = 100
STREAMS: Final = 8
CONNECTIONS: Final = 32
TURN_S: Final = 2.0
GATHER_S: Final = 0.02
FRUITLESS_STREAMS: Final = 2
POLLS_S: Final = 60.0
LONGEST_PAUSE_S: Final = 60.0
PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0)
STOP_S: Final = 0.25


class _Topic:
    """One job: its newest record, and the subscriptions to notify."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.followings: set[Following] = set()
        self.unavailable_since: float | None = None


class _Feed:
    """A connection that delivers events of several jobs, with the retries to open it."""

    def __init__(self, job_ids: Iterable[str]) -> None:
        self.job_ids = set(job_ids)
        self.since = time.monotonic()
        self.task: asyncio.Task[None] | None = None


class Follower:
    """Follows the jobs of one service for all callers that wait for them.

    Its thread runs while any caller waits. It opens up to ``STREAMS`` streams of ``JOBS_A_STREAM`` jobs each;
    with more jobs than that it rotates, ``TURN_S`` seconds for each group. For an older service it opens one
    stream for each job. Where no stream gets through, because a proxy buffers it, it uses long polls. Both
    are limited to ``CONNECTIONS`` at a time.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    """

    def __init__(self, transport: Transport) -> None:
        self.process = os.getpid()
        self._transport = transport
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._left: set[str] = set()  # jobs without a subscription, whose streams may still report them
        self._session: LoopThread | None = None
        self._ending: LoopThread | None = None
        self._is_closed = False
        self._one_job_per_stream = False
        self._polls_until = 0.0

    def join(
        self,
        record: dict[str, Any],
        timeout_s: float | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> Following:
        """Subscribe to a job, from this record on.

        Parameters
        ----------
        record : dict
            The job's latest known record.
        timeout_s : float, optional
            Seconds for which the service may be unavailable before the subscription fails; None: no limit.
        on_change : callable, optional
            Called at each change, in a thread of this package.
        """
        following = Following(record, self._leave, timeout_s, on_change)
        if following.is_over:
            return following
        job_id = record["job_id"]
        with self._lock:
            if self._is_closed:
                raise connection_closed_error(self._transport)
            if self._session is None:
                self._session = LoopThread.start_new(self._run)
            topic = self._topics.setdefault(job_id, _Topic(record))
            topic.followings.add(following)
            if is_newer(topic.record, record):
                following.on_update(JobUpdate(topic.record))
            elif record["version"] > topic.record["version"]:
                topic.record = record
            self._session.call()
        return following

    def _leave(self, following: Following) -> None:
        """Remove a subscription; the thread ends with the last one."""
        with self._lock:
            topic = self._topics.get(following.job_id)
            if topic is not None:
                topic.followings.discard(following)
                if not topic.followings:
                    del self._topics[following.job_id]
                    self._left.add(following.job_id)
            if self._session is not None:
                self._session.call()

    def settle(self) -> None:
        """Wait for the thread to end if it has no work left."""
        with self._lock:
            ending = None if self._topics else self._session or self._ending
        if ending is not None:
            ending.settle()

    def close(self) -> None:
        """Fail all subscriptions, because the connection was closed, and end the thread."""
        with self._lock:
            self._is_closed = True
        self._fail(list(self._topics), connection_closed_error(self._transport))
        self.settle()

    def _run(self, session: LoopThread) -> None:
        try:
            session.loop.run_until_complete(self._serve(session))
        except Exception as error:  # the callers that wait raise it
            with self._lock:
                if self._session is session:
                    self._end(session)
                    self._fail_all(self._topics, error)
        finally:
            session.loop.close()

    def _end(self, session: LoopThread) -> None:
        self._session, self._ending = None, session

    async def _serve(self, session: LoopThread) -> None:
        feeds: list[_Feed] = []
        ended: set[asyncio.Task[None]] = set()
        idle: dict[str, None] = {}
        clock = time.time()
        async with self._transport.open_async() as client:
            while True:
                session.wake.clear()
                if feeds and self._topics:
                    await asyncio.sleep(GATHER_S)
                with self._lock:
                    if not self._topics:
                        self._end(session)
                        break
                    wanted, left, self._left = dict.fromkeys(self._topics), self._left, set()
                for feed in feeds:
                    feed.job_ids -= left
                for feed in self._arrange(wanted, feeds, idle, ended):
                    feed.task = session.loop.create_task(self._attend(client, feed))
                    feed.task.add_done_callback(lambda _: session.wake.set())
                if await wait_for_wake(session.wake, clock):
                    for feed in feeds:
                        stop(feed, ended)
                clock = time.time()
            for feed in feeds:
                stop(feed, ended)
            await asyncio.gather(*ended, return_exceptions=True)

    def _arrange(
        self,
        wanted: dict[str, None],
        feeds: list[_Feed],
        idle: dict[str, None],
        ended: set[asyncio.Task[None]],
    ) -> Iterator[_Feed]:
        """Yield new feeds for jobs without one; stop feeds that have no job, or whose turn is over."""
        ended -= {task for task in ended if task.done()}
        for feed in list(feeds):
            feed.job_ids &= wanted.keys()
            if not feed.job_ids or feed.task is None or feed.task.done():
                stop(feed, ended)
                feeds.remove(feed)
        attended = {job_id for feed in feeds for job_id in feed.job_ids}
        for job_id in [job_id for job_id in idle if job_id not in wanted or job_id in attended]:
            del idle[job_id]
        idle |= {job_id: None for job_id in wanted if job_id not in attended}
        max_jobs, max_feeds = self._limits()
        while idle:
            batch: list[str] = []
            if len(feeds) >= max_feeds:
                smallest = min(feeds, key=lambda feed: len(feed.job_ids))
                oldest = min(feeds, key=lambda feed: feed.since)
                if len(smallest.job_ids) < max_jobs:
                    batch, leaving = [*smallest.job_ids], smallest
                elif time.monotonic() - oldest.since >= TURN_S:
                    idle |= dict.fromkeys(oldest.job_ids)
                    leaving = oldest
                else:
                    return
                stop(leaving, ended)
                feeds.remove(leaving)
            batch += list(idle)[: max_jobs - len(batch)]
            for job_id in batch:
                idle.pop(job_id, None)
            feeds.append(_Feed(batch))
            yield feeds[-1]

    def _limits(self) -> tuple[int, int]:
        """Return the maximum number of jobs on a connection, and of connections."""
        if self._one_job_per_stream or self._is_polling():
            return 1, CONNECTIONS
        return JOBS_A_STREAM, STREAMS

    def _is_polling(self) -> bool:
        return time.monotonic() < self._polls_until

    async def _attend(self, client: httpx.AsyncClient, feed: _Feed) -> None:
        """Follow the jobs of a feed until they are final or have no subscription."""
        pauses, fruitless = iter(PAUSES_S), 0
        while known := self._known_versions(feed.job_ids):
            polls, is_alive, pause = self._is_polling(), False, PAUSES_S[0]
            if polls and len(known) > 1:
                return
            try:
                source = (
                    iter_long_poll(client, *known.popitem()) if polls else iter_event_stream(client, known)
                )
                async with aclosing(source):
                    async for job_id, content in source:
                        if not is_alive:
                            is_alive, pauses, fruitless = True, iter(PAUSES_S), 0
                        self._handle_update(feed, job_id, content)
                if not is_alive:
                    raise TroubleError("the connection broke")
                pause = 0.0 if polls else pause
            except UnknownRouteError:
                self._one_job_per_stream = True
                return
            except RefusedError as refused:
                self._fail(feed.job_ids, refused.error)
                return
            except TroubleError as trouble:
                fruitless += trouble.reached and not is_alive and trouble.error is None
                pause = min(trouble.after_s or next(pauses, PAUSES_S[-1]), LONGEST_PAUSE_S)
                self._take_trouble(feed.job_ids, trouble)
                if fruitless >= FRUITLESS_STREAMS and not polls:
                    self._polls_until = time.monotonic() + POLLS_S
            except Exception as error:  # the callers that wait raise it
                self._fail(feed.job_ids, error)
                return
            await asyncio.sleep(pause)

    def _handle_update(
        self, feed: _Feed, job_id: str | None, content: dict[str, Any] | SyndbError | None
    ) -> None:
        if job_id is None:
            self._take_heartbeat(feed.job_ids)
        elif isinstance(content, dict):
            self._take_record(job_id, content)
        elif content is not None:
            self._fail([job_id], content)

    def _known_versions(self, job_ids: Collection[str]) -> dict[str, int]:
        with self._lock:
            return {
                job_id: self._topics[job_id].record["version"] for job_id in job_ids if job_id in self._topics
            }

    def _take_record(self, job_id: str, record: dict[str, Any]) -> None:
        with self._lock:
            topic = self._topics.get(job_id)
            if topic is None:
                return
            if not is_newer(record, topic.record):
                revive(topic)
                return
            topic.record, topic.unavailable_since = record, None
            for following in topic.followings:
                if is_newer(record, following.record):
                    following.on_update(JobUpdate(record))
            if record["status"] in FINAL:
                del self._topics[job_id]

    def _take_heartbeat(self, job_ids: Collection[str]) -> None:
        with self._lock:
            for job_id in job_ids:
                if (topic := self._topics.get(job_id)) is not None:
                    revive(topic)

    def _take_trouble(self, job_ids: Collection[str], trouble: TroubleError) -> None:
        """Report the outage and its duration to all subscriptions; fail those whose timeout is over."""
        now = time.monotonic()
        error = trouble.error or self._unavailable(trouble)
        with self._lock:
            for job_id in job_ids:
                if (topic := self._topics.get(job_id)) is None:
                    continue
                topic.unavailable_since = topic.unavailable_since or now
                unavailable_s = now - topic.unavailable_since
                for following in topic.followings:
                    following.on_update(JobUpdate(following.record, unavailable_s, trouble.message))
                    if following.timeout_s is not None and unavailable_s > following.timeout_s:
                        following.fail(error)

    def _unavailable(self, trouble: TroubleError) -> ServiceUnavailable:
        if not trouble.reached:
            return self._transport.unreachable(trouble.__cause__ or trouble)
        return ServiceUnavailable(
            f"{trouble.message} at {self._transport.url}",
            hint="A proxy or a login page may be in between. The job goes on: wait() again.",
        )

    def _fail(self, job_ids: Collection[str], error: Exception) -> None:
        with self._lock:
            self._fail_all(job_ids, error)
            if self._session is not None:
                self._session.call()

    def _fail_all(self, job_ids: Collection[str], error: Exception) -> None:
        for topic in [self._topics.pop(job_id) for job_id in list(job_ids) if job_id in self._topics]:
            for following in topic.followings:
                following.fail(error)


def revive(topic: _Topic) -> None:
    """Report to all subscriptions of a job that the service responds."""
    topic.unavailable_since = None
    for following in topic.followings:
        following.on_heartbeat()


def stop(feed: _Feed, ended: set[asyncio.Task[None]]) -> None:
    """Cancel the task of a feed and add it to ``ended``, which is awaited before the loop closes."""
    if feed.task is not None:
        feed.task.cancel()
        ended.add(feed.task)


def connection_closed_error(transport: Transport) -> SyndbError:
    """Build the error for a connection that was closed."""
    return SyndbError(
        f"the connection to {transport.url} was closed", hint="Open another one with connect()."
    )


MAKING: Final = ProcessLock()


def follower_of(transport: Transport) -> Follower:
    """Return the follower of this connection; each process has its own."""
    with MAKING:
        follower = transport.companion
        if not isinstance(follower, Follower) or follower.process != os.getpid():
            transport.companion = follower = Follower(transport)
        return follower


def iter_updates(
    transport: Transport, record: dict[str, Any], stopped: threading.Event
) -> Iterator[JobUpdate]:
    """Yield each newer record of a job until it is final, also across broken connections.

    A broken stream is reopened after the last version that was read. While the service is unavailable or
    overloaded, each failed try yields an update with ``unavailable_s``.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The record to start from.
    stopped : threading.Event
        Ends the iteration when it is set.

    Raises
    ------
    SyndbError
        A permanent error: the token is no longer valid, or there is no such job.
    """
    if record["status"] in FINAL:
        return
    follower = follower_of(transport)
    with follower.join(record) as following:
        while not stopped.is_set():
            is_over = following.is_over
            for update in following.take_updates(0 if is_over else STOP_S):
                if stopped.is_set():
                    return
                yield update
            if is_over:
                if following.error is not None:
                    raise following.error
                return
