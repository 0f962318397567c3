"""Waiting for jobs that other processes change."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import threading
from collections.abc import AsyncIterator, Collection, MutableMapping
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from syndb_service.api.job_change_hub import JobChangeHub
from syndb_service.api.job_event_stream import event_stream
from syndb_service.api.stream_limit import CountedStream, StreamLimit
from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import Job, JobRequest
from syndb_service.errors import TooManyRequests, TransientError, Unauthenticated
from tests.support.waiting import wait_until_async


class Rows:
    """Rows that another process changes: nobody is told."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.reads: list[int] = []
        self.several: list[list[str]] = []
        self.threads: set[str] = set()
        self.away = 0

    def add(self, job_id: str) -> Job:
        job = Job(job_id, "ada", JobRequest(Kind.QUERY), Status.RUNNING, None, 1, datetime.now(UTC))
        self.jobs[job_id] = job
        return job

    def change(self, job_id: str, status: Status = Status.RUNNING) -> None:
        job = self.jobs[job_id]
        self.jobs[job_id] = dataclasses.replace(job, version=job.version + 1, status=status)

    def versions(self, job_ids: Collection[str]) -> dict[str, int]:
        self.reads.append(len(job_ids))
        if self.away:
            self.away -= 1
            raise TransientError("the database is away")
        return {job_id: self.jobs[job_id].version for job_id in job_ids}

    def read(self, job_ids: Collection[str]) -> dict[str, Job]:
        self.several.append(sorted(job_ids))
        return {job_id: self.jobs[job_id] for job_id in job_ids if job_id in self.jobs}


def test_a_change_by_another_process_wakes_those_who_wait_for_it() -> None:
    async def main() -> None:
        rows = Rows()
        room = JobChangeHub(rows.versions)
        room.open()
        for name in ("a", "b"):
            rows.add(name)
        first = asyncio.create_task(room.wait_for_change(lambda: rows.jobs["a"], 1, 60))
        other = asyncio.create_task(room.wait_for_change(lambda: rows.jobs["b"], 1, 60))
        await wait_until_async(lambda: rows.reads[-1:] == [2])
        rows.change("a")
        assert (await first).version == 2
        assert not other.done()
        room.close()
        assert (await other).version == 1

    asyncio.run(main())


@pytest.mark.slow
def test_a_thousand_waiters_are_one_query_at_a_time_and_no_thread() -> None:
    async def main() -> None:
        rows = Rows()
        room = JobChangeHub(rows.versions)
        room.open()
        rows.add("a")
        waiters = [
            asyncio.create_task(room.wait_for_change(lambda: rows.jobs["a"], 1, 60)) for _ in range(1000)
        ]
        await wait_until_async(lambda: room._poller is not None)
        before, threads = len(rows.reads), threading.active_count()
        start = asyncio.get_running_loop().time()
        await wait_until_async(lambda: len(rows.reads) >= before + 10)
        assert asyncio.get_running_loop().time() - start >= 9 * 0.05
        assert threading.active_count() < threads + 100
        rows.change("a")
        assert {job.version for job in await asyncio.gather(*waiters)} == {2}
        await wait_until_async(lambda: room._poller.done())  # type: ignore[union-attr]
        assert not room._awaited

    asyncio.run(main())


def test_waiting_goes_on_when_the_database_was_away() -> None:
    async def main() -> None:
        rows = Rows()
        rows.away = 1
        room = JobChangeHub(rows.versions)
        room.open()
        rows.add("a")
        waiter = asyncio.create_task(room.wait_for_change(lambda: rows.jobs["a"], 1, 60))
        await wait_until_async(lambda: rows.reads)
        rows.change("a")
        assert (await waiter).version == 2

    asyncio.run(main())


def test_a_stream_ends_with_the_token_of_its_listener() -> None:
    async def main() -> None:
        rows, asked = Rows(), 0

        def recheck() -> None:
            nonlocal asked
            asked += 1
            if asked == 2:
                raise Unauthenticated("this token has expired")

        room = JobChangeHub(rows.versions)
        room.open()
        rows.add("a")
        events = event_stream(room, rows.read, {"a": 1}, recheck, name=str, heartbeat_s=0.01, recheck_s=0)
        assert [event[:2] async for event in events] == ["re", ": "]
        assert rows.jobs["a"].status is Status.RUNNING

    asyncio.run(main())


def test_silence_is_filled_with_comments() -> None:
    async def main() -> None:
        rows = Rows()
        room = JobChangeHub(rows.versions)
        room.open()
        rows.add("a")
        events = event_stream(
            room, rows.read, {"a": 1}, lambda: None, name=lambda job: str(job.version), heartbeat_s=0.01
        )
        assert (await anext(events)).startswith("retry: ")
        assert (await anext(events)).startswith(":")
        rows.change("a", Status.COMPLETED)
        seen = [event async for event in events if not event.startswith(":")]
        assert len(seen) == 1
        assert seen[0].startswith("id: 2\nevent: job\ndata: {")

    asyncio.run(main())


def test_one_stream_follows_many_jobs_and_reads_only_what_changed() -> None:
    async def main() -> None:
        rows = Rows()
        room = JobChangeHub(rows.versions)
        room.open()
        for name in ("a", "b", "c"):
            rows.add(name)
        known = {"a": 1, "b": 0, "c": 1, "absent": 0}
        events = event_stream(
            room,
            rows.read,
            known,
            lambda: None,
            name=lambda job: f"{job.job_id}:{job.version}",
            heartbeat_s=60,
        )
        first = [await anext(events) for _ in range(3)]
        assert first[0].startswith("retry: ")
        assert "event: refused" in first[1]
        assert '"job_id": "absent"' in first[1]
        assert first[2].startswith("id: b:1\nevent: job\ndata: {")
        for name in ("a", "c"):
            rows.change(name, Status.COMPLETED)
            told = await anext(events)
            while told.startswith(":"):
                told = await anext(events)
            assert told.startswith(f"id: {name}:2\n")
        assert all(len(read) == 1 for read in rows.several[2:]), rows.several
        assert set(room._awaited) == {"b"}
        rows.change("b", Status.CANCELLED)
        assert [event[:8] async for event in events if not event.startswith(":")] == ["id: b:2\n"]
        assert not room._awaited

    asyncio.run(main())


def test_an_event_is_one_line_whatever_its_texts_hold() -> None:
    async def main() -> None:
        rows, text = Rows(), "a\u2028b\u2029c\x85d\x0b\x0c\x1c\x1d\x1e\r\ne"
        room = JobChangeHub(rows.versions)
        room.open()
        rows.jobs["a"] = dataclasses.replace(rows.add("a"), label=text, status=Status.COMPLETED)
        events = event_stream(room, rows.read, {"a": 0}, lambda: None, name=str)
        (event,) = [event async for event in events if event.startswith("id")]
        data = event.splitlines()[-2].removeprefix("data: ")
        assert json.loads(data)["label"] == text

    asyncio.run(main())


def test_one_user_holds_so_many_streams_and_no_more() -> None:
    limit = StreamLimit(2)
    ends = [limit.begin("ada") for _ in range(2)]
    with pytest.raises(TooManyRequests, match="2 event streams"):
        limit.begin("ada")
    limit.begin("eve")()
    ends[0]()
    ends[0] = limit.begin("ada")
    for end in ends:
        end()
    assert not limit._open


@pytest.mark.parametrize("ends", ["whole", "cut", "before the first event"])
def test_a_stream_is_counted_until_its_answer_has_ended(ends: str) -> None:
    async def source() -> AsyncIterator[str]:
        yield "first"
        yield "second"

    async def send(message: MutableMapping[str, Any]) -> None:
        if ends == "before the first event" or (ends == "cut" and message.get("body")):
            raise OSError("the listener is gone")

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(3600)
        return {}

    async def main() -> None:
        limit = StreamLimit(1)
        answer = CountedStream(source(), limit.begin("ada"), {})
        with pytest.raises(TooManyRequests):
            limit.begin("ada")
        with contextlib.suppress(ClientDisconnect):
            await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)
        assert not limit._open

    asyncio.run(main())
