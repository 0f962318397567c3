"""A thousand waits of every kind, over real sockets: no thread, descriptor or socket is left of them.

``SYNDB_WAITS=10000`` makes ten thousand.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest

import syndb_lab
from syndb_lab import Job, Lab
from syndb_lab.http.job_subscription import Following
from syndb_lab.http.job_watcher import JobWatcher
from tests.support.lab_fakes import job_record
from tests.support.waiting import WAIT_S

WAITS = int(os.environ.get("SYNDB_WAITS", "1000"))
TOGETHER = 100
WAITERS = 16
SETTLED_S = 120
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSyndb-Heartbeat: 5\r\nConnection: close\r\n\r\n"
)
TROUBLES = (
    b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    HEAD + b"retry: 1\n\n",  # and it breaks
    b"",
)


class Service:
    """A service on a port of this computer: jobs of an even number are completed, odd ones run for ever."""

    def __init__(self) -> None:
        self.streams = Counter[str]()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._answer, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever, name="service", daemon=True)
        self._thread.start()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams["open"] += 1
        self.streams["most"] = max(self.streams["most"], self.streams["open"])
        with suppress(OSError, asyncio.IncompleteReadError):
            asked = await reader.readuntil(b"\r\n\r\n")
            self.streams["asked"] += 1
            if self.streams["asked"] % 7 == 0:
                writer.write(TROUBLES[self.streams["asked"] // 7 % len(TROUBLES)])
            else:
                await self._tell(asked.partition(b"\r\n")[0].decode(), reader, writer)
        writer.close()
        self.streams["open"] -= 1

    async def _tell(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job_ids = re.findall("[0-9a-f-]{36}", line)
        final = [job_id for job_id in job_ids if int(job_id[-12:]) % 2 == 0]
        if "/events" not in line:  # a poll
            record = job_record("completed" if final else "running", job_id=job_ids[0], version=2)
            body = json.dumps(record).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            return
        writer.write(HEAD + b"retry: 1\n\n: here\n")
        for job_id in final:
            record = job_record("completed", job_id=job_id, version=2)
            writer.write(f"event: job\ndata: {json.dumps(record)}\n\n".encode())
        await writer.drain()
        while final != job_ids and await reader.read(1024):
            pass

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.run_until_complete(self._server.wait_closed())
        self._loop.close()


def held(service: Service) -> dict[str, int]:
    """Count what a wait could leave behind, once the last one's thread and connections have ended."""
    until = time.monotonic() + SETTLED_S
    while service.streams["open"] or any(one.name.startswith("syndb") for one in threading.enumerate()):
        assert time.monotonic() < until, (service.streams, threading.enumerate())
        time.sleep(0.01)
    process = psutil.Process()
    gc.collect()
    kinds = Counter(type(one) for one in gc.get_objects())
    return {
        "threads": process.num_threads(),
        "descriptors": process.num_fds(),
        "sockets": len(process.net_connections("all")),
        "waiting": kinds[Following] + kinds[JobWatcher],
    }


def one_wait(lab: Lab, number: int) -> None:
    """Wait for a job in a thread: an even one's end, an odd one for a moment."""
    job = Job(lab._transport, job_record("running", job_id=f"00000000-0000-4000-8000-{number:012d}"))
    if number % 2 == 0:
        assert job.wait(timeout=WAIT_S, progress=False).status == "completed"
        return
    with pytest.raises(syndb_lab.WaitTimeout):
        job.wait(timeout=number % 3 / 100, progress=False)


async def await_together(lab: Lab, numbers: list[int]) -> None:
    """Await jobs: the even ones end, the odd ones are given up."""

    async def one(number: int) -> Job:
        return await Job(
            lab._transport, job_record("running", job_id=f"00000000-0000-4000-8000-{number:012d}")
        )

    tasks = {number: asyncio.ensure_future(one(number)) for number in numbers}
    ended = await asyncio.wait_for(
        asyncio.gather(*(task for number, task in tasks.items() if number % 2 == 0)), WAIT_S
    )
    assert all(job.status == "completed" for job in ended)
    left = [task for number, task in tasks.items() if number % 2]
    for task in left:
        task.cancel()
    assert all(
        isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*left, return_exceptions=True)
    )


def wait_for_many(lab: Lab, numbers: range) -> None:
    """Wait for so many jobs, every other hundred in threads, the rest in an event loop."""
    with ThreadPoolExecutor(WAITERS) as pool:
        for turn, batch in enumerate(numbers[at : at + TOGETHER] for at in range(0, len(numbers), TOGETHER)):
            if turn % 2:
                asyncio.run(await_together(lab, list(batch)))
            else:
                list(pool.map(lambda number: one_wait(lab, number), batch))


@pytest.mark.slow
def test_waits_of_every_kind_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syndb_lab.http.job_events.PAUSES_S", (0.01,))
    service = Service()
    with Lab(service.url) as lab:
        wait_for_many(lab, range(2 * TOGETHER))
        before = held(service)
        wait_for_many(lab, range(2 * TOGETHER, 2 * TOGETHER + WAITS))
        assert held(service) == before
        assert service.streams["most"] <= 16  # eight, and eight that are ending
    service.close()
