"""Many who wait: few connections, one thread while they do, and none afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

import syndb_lab
from syndb_lab import Job, Lab
from syndb_lab.http import event_loop_thread, job_events
from syndb_lab.http.job_events import Follower
from syndb_lab.http.transport import Transport
from tests.support.lab_fakes import job_record
from tests.support.waiting import WAIT_S, wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"


def ids(many: int) -> list[str]:
    return [f"00000000-0000-4000-8000-{number:012d}" for number in range(many)]


class Service(httpx.AsyncBaseTransport):
    """A pretended service in which jobs are final once they are said to be; it counts who listens."""

    def __init__(self, *, knows_many: bool = True) -> None:
        self.knows_many = knows_many
        self.final: set[str] = set()
        self.asked: list[int] = []
        self.told: set[str] = set()
        self.most = Counter[str]()
        self._open = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/jobs/events":
            if not self.knows_many:
                return httpx.Response(404, json={"code": "job_not_found"}, request=request)
            known = dict(one.split(":") for one in request.url.params.get_list("job"))
        else:
            known = {path.split("/")[3]: request.headers["Last-Event-ID"]}
        self.asked.append(len(known))
        headers = {"Content-Type": "text/event-stream", "Syndb-Heartbeat": "2"}
        return httpx.Response(200, headers=headers, stream=_Told(self, list(known)), request=request)


class _Told(httpx.AsyncByteStream):
    def __init__(self, service: Service, job_ids: list[str]) -> None:
        self.service, self.job_ids = service, job_ids

    async def __aiter__(self) -> Any:
        service, left = self.service, list(self.job_ids)
        service._open += 1
        service.most["streams"] = max(service.most["streams"], service._open)
        try:
            yield b"retry: 1\n\n: here\n"
            while left:
                for job_id in [one for one in left if one in service.final]:
                    left.remove(job_id)
                    record = job_record("completed", job_id=job_id, version=2)
                    yield f"event: job\ndata: {json.dumps(record)}\n\n".encode()
                    service.told.add(job_id)
                await asyncio.sleep(0.005)
                yield b": here\n"
        finally:
            service._open -= 1


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Service], Transport]]:
    """Connect to a pretended service that an event loop can ask."""
    opened: list[Transport] = []

    def connect(service: Service) -> Transport:
        transport = Transport("http://127.0.0.1:9")
        monkeypatch.setattr(
            transport,
            "open_async",
            lambda: httpx.AsyncClient(base_url="http://127.0.0.1:9", transport=service),
        )
        opened.append(transport)
        return transport

    yield connect
    for transport in opened:
        transport.close()


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("syndb")]


def descriptors() -> int:
    return psutil.Process().num_fds()


def awaited(service: Service, transport: Transport, job_ids: list[str], *, ready: int = 0) -> int:
    """Await these jobs at once; end them once so many are followed; say how many threads that took."""
    before = set(threading.enumerate())

    async def main() -> int:
        tasks = [asyncio.ensure_future(one(job_id)) for job_id in job_ids]
        async with asyncio.timeout(WAIT_S):
            while sum(service.asked) < ready:
                await asyncio.sleep(0.005)
            threads = len(set(threading.enumerate()) - before)
            service.final.update(job_ids)
            done = await asyncio.gather(*tasks)
        assert [job.status for job in done] == ["completed"] * len(job_ids)
        assert [job.id for job in done] == job_ids
        return threads

    async def one(job_id: str) -> Job:
        return await Job(transport, job_record("running", job_id=job_id))

    return asyncio.run(main())


def test_three_hundred_awaited_jobs_take_one_thread_and_a_few_streams(serve: Any) -> None:
    service = Service()
    assert awaited(service, serve(service), ids(300), ready=300) == 1
    assert service.most["streams"] <= job_events.STREAMS
    wait_until(lambda: not ours())


def test_one_job_that_is_awaited_a_thousand_times_takes_one_stream(serve: Any) -> None:
    service = Service()
    assert awaited(service, serve(service), ids(1) * 1000, ready=1) == 1
    assert service.most["streams"] == 1


def test_an_older_service_is_asked_for_a_stream_a_job(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_events, "CONNECTIONS", 5)
    monkeypatch.setattr(job_events, "STREAMS", 2)
    monkeypatch.setattr(job_events, "TURN_S", 0.02)
    monkeypatch.setattr(event_loop_thread, "TICK_S", 0.02)
    service = Service(knows_many=False)
    assert awaited(service, serve(service), ids(20), ready=20) == 1
    assert service.most["streams"] <= 5
    assert set(service.asked) == {1}


def test_more_jobs_than_connections_can_follow_take_turns(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"JOBS_A_STREAM": 3, "STREAMS": 2, "TURN_S": 0.02}.items():
        monkeypatch.setattr(job_events, name, value)
    monkeypatch.setattr(event_loop_thread, "TICK_S", 0.02)
    service, transport = Service(), None
    transport = serve(service)
    service.final.add(ids(20)[-1])
    last = Job(transport, job_record("running", job_id=ids(20)[-1]))
    held = [job_events.follower_of(transport).join(job_record("running", job_id=one)) for one in ids(19)]
    assert last.wait(timeout=WAIT_S).status == "completed", "though nineteen others never end"
    assert service.most["streams"] <= 2
    for following in held:
        following.close()
    wait_until(lambda: not ours())


@pytest.mark.slow
def test_waits_that_time_out_leave_nothing(serve: Any) -> None:
    service = Service()
    job = Job(serve(service), job_record("running"))
    before = descriptors()
    for _ in range(30):
        with pytest.raises(syndb_lab.WaitTimeout):
            job.wait(timeout=0, progress=False)
        assert (ours(), service._open) == ([], 0)
    wait_until(lambda: descriptors() <= before)


def test_a_job_that_ended_while_nobody_waited_for_it_is_told_later(serve: Any) -> None:
    service = Service()
    transport = serve(service)
    other, one = ids(2)
    holding = job_events.follower_of(transport).join(job_record("running", job_id=other))
    job = Job(transport, job_record("running", job_id=one))
    with pytest.raises(syndb_lab.WaitTimeout):
        job.wait(timeout=0)
    service.final.add(one)
    time.sleep(0.05)
    assert job.wait(timeout=WAIT_S).status == "completed"
    holding.close()


def test_a_job_that_is_told_between_two_waits_for_it_is_told_again(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream goes on for another job, and says nothing of it any more."""
    monkeypatch.setattr(job_events, "STREAMS", 1)
    service = Service()
    follower = job_events.follower_of(serve(service))
    other, one = (job_record("running", job_id=job_id) for job_id in ids(2))
    holding, first = follower.join(other), follower.join(one)
    wait_until(lambda: 2 in service.asked)
    monkeypatch.setattr(job_events, "GATHER_S", 0.3)
    first.close()
    service.final.add(one["job_id"])
    wait_until(lambda: service.told)
    second = follower.join(one)
    assert second.wait(WAIT_S)
    assert second.record["status"] == "completed"
    for following in (second, holding):
        following.close()


def test_closing_the_connection_ends_all_waiting(serve: Any) -> None:
    service = Service()
    transport = serve(service)
    errors: list[Exception] = []

    def wait(job_id: str) -> None:
        try:
            Job(transport, job_record("running", job_id=job_id)).wait(timeout=WAIT_S)
        except syndb_lab.SyndbError as error:
            errors.append(error)

    waiting = [threading.Thread(target=wait, args=(job_id,)) for job_id in ids(5)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: sum(service.asked) >= 5)
    transport.close()
    for thread in waiting:
        thread.join(WAIT_S)
    assert [str(error).partition(" to ")[0] for error in errors] == ["the connection"] * 5
    assert ours() == []


class Line:
    """A server on a real port that says what it is told to, connection by connection."""

    def __init__(self, *answers: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[bytes] = []
        self._answers = answers
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._listener.accept()
            self.asked.append(connection.recv(65536))
            connection.sendall(answer)
            self._held.append(connection)

    def close(self) -> None:
        for connection in (*self._held, self._listener):
            connection.close()


def told(job: dict[str, Any]) -> bytes:
    return f"id: {job['version']}\nevent: job\ndata: {json.dumps(job)}\n\n".encode()


@pytest.mark.slow
@pytest.mark.parametrize("sleeps", [False, True])
def test_a_stream_that_falls_silent_is_opened_anew(sleeps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is dead and nobody said so: as after a computer has slept, when its clock jumps."""
    beat = b"Syndb-Heartbeat: 60\r\n\r\n" if sleeps else b"Syndb-Heartbeat: 0.1\r\n\r\n"
    line = Line(
        HEAD + beat + b"retry: 1\n\n" + told(job_record("running", version=3)),
        HEAD + beat + told(job_record("completed", version=4)),
    )
    monkeypatch.setattr(event_loop_thread, "TICK_S", 0.02)
    with Lab(line.url) as lab:
        job = Job(lab._transport, job_record("running"))
        waiting = threading.Thread(target=lambda: job.wait(timeout=WAIT_S, progress=False))
        waiting.start()
        wait_until(lambda: job.record["version"] == 3)
        if sleeps:
            clock = time.time
            monkeypatch.setattr(
                "syndb_lab.http.job_events.time.time", lambda: clock() + 3600 * (len(line.asked) < 2)
            )
        waiting.join(WAIT_S)
        assert job.status == "completed"
        assert b"last-event-id: 3" in line.asked[1].lower()
    line.close()


def test_a_process_that_was_forked_follows_by_itself(serve: Any, tmp_path: Path) -> None:
    service = Service()
    transport = serve(service)
    holding = job_events.follower_of(transport).join(job_record("running"))
    own = job_events.follower_of(transport)
    child = os.fork()
    if child == 0:
        isolated = job_events.follower_of(transport) is not own and isinstance(transport.companion, Follower)
        os._exit(0 if isolated else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert job_events.follower_of(transport) is own
    holding.close()
