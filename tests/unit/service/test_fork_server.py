"""Children: started fast, told apart, ended for certain."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_service.domain.child_task import CheckRequest, to_dict
from syndb_service.domain.message_codec import encode_message
from syndb_service.isolation.channel import FrameType
from syndb_service.isolation.fork_server_client import ChildProcess, ForkServerClient
from syndb_service.isolation.process_name import FORK_SERVER_TITLE
from tests.support.child_tasks import CHECK_TASK, query_task
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nursery() -> Iterator[ForkServerClient]:
    nursery = ForkServerClient()
    yield nursery
    nursery.close()


def checking(nursery: ForkServerClient) -> ChildProcess:
    child = nursery.start_child()
    child.frames.send(FrameType.TASK, to_dict(CHECK_TASK))
    assert child.frames.receive_one() == (FrameType.DONE, {})
    return child


def test_a_child_answers_and_ends_when_its_socket_closes(nursery: ForkServerClient) -> None:
    with checking(nursery) as child:
        child.frames.send(FrameType.TASK, encode_message(CheckRequest(sql="SELECT 1 AS n", describe=True)))
        assert child.receive(60)[0] is FrameType.PROGRESS
        answer = child.receive(60)
        assert (answer[0], answer[1]["columns"]) == (FrameType.PROGRESS, [["n", "int32"]])
        assert child.receive(60)[0] is FrameType.DONE
    assert not Path(f"/proc/{child.pid}").exists()


def test_a_killed_child_is_known_by_its_signal(nursery: ForkServerClient) -> None:
    with checking(nursery) as child:
        os.kill(child.pid, signal.SIGSEGV)
        assert child.wait() == -signal.SIGSEGV
        child.kill()
        assert child.wait() == -signal.SIGSEGV


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may look into a child")
def test_a_child_knows_nothing_of_the_service(
    nursery: ForkServerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
    with checking(nursery) as child:
        assert Path(f"/proc/{child.pid}/environ").read_bytes() == b""
        inherited = {str(path.readlink()) for path in Path(f"/proc/{child.pid}/fd").iterdir()}
        files = {path for path in inherited if path.startswith("/") and not path.startswith("/dev/")}
        files -= {path for path in files if "/libffi.so" in path}  # from 3.5 on it keeps its own file open
        assert files <= {str(Path("/proc/self/fd/2").readlink())}


def test_many_children_at_once_do_not_mix_their_answers(nursery: ForkServerClient) -> None:
    children = [checking(nursery) for _ in range(6)]
    for number, child in enumerate(children):
        child.frames.send(
            FrameType.TASK, encode_message(CheckRequest(sql=f"SELECT 1 AS n{number}", describe=True))
        )
    for number, child in reversed(list(enumerate(children))):
        assert child.receive(60)[0] is FrameType.PROGRESS
        assert child.receive(60)[1]["columns"] == [[f"n{number}", "int32"]]
    for child in children:
        with child:
            pass


def test_children_end_with_the_fork_server_which_is_started_again() -> None:
    nursery = ForkServerClient()
    with checking(nursery) as child:
        assert nursery._server is not None
        nursery._server.kill()
        select.select([child.frames.fileno()], [], [], 10)
        assert child.frames.receive_one() is None
        with checking(nursery) as other:
            assert other.pid != child.pid
    nursery.close()


def test_closing_ends_every_child() -> None:
    nursery = ForkServerClient()
    children = [checking(nursery) for _ in range(2)]
    nursery.close()
    for child in children:
        assert child.wait() == -signal.SIGKILL


def some_numbers(child: ChildProcess, folder: Path) -> str:
    """Have a child draw a number at random, as a job does."""
    limits = {"memory_bytes": 10**9, "address_space_bytes": 6 * 10**9, "threads": 2}
    task = query_task(folder, "SELECT uuid()::VARCHAR AS drawn", format="csv", limits=limits)
    child.frames.send(FrameType.TASK, to_dict(task))
    rows = b""
    while not child.frames.ended:
        select.select([child.frames], [], [])
        for kind, payload in child.frames.receive():
            assert kind is not FrameType.FAILURE, payload
            rows += payload if kind is FrameType.DATA else b""
    return rows.decode().splitlines()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for threads and names")
def test_children_wait_ahead_alone_and_serve_one_task_each(tmp_path: Path) -> None:
    nursery = ForkServerClient()
    nursery.start(waiting=2)
    try:
        drawn = set()
        for _ in range(12):
            with nursery.start_child() as child:
                assert len(list(Path(f"/proc/{child.pid}/task").iterdir())) == 1, "it could not be confined"
                drawn.add(some_numbers(child, tmp_path))
                assert child.wait() == 0
        assert len(drawn) == 12, "forked from one engine, each draws its own numbers"
    finally:
        nursery.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for names")
def test_a_waiting_child_that_is_killed_is_no_jobs_child(tmp_path: Path) -> None:
    nursery = ForkServerClient()
    nursery.start(waiting=1)
    try:
        for _ in range(3):
            waiting = wait_until(nursery.preforked_pids)
            assert Path(f"/proc/{waiting[0]}/comm").read_text().strip() == FORK_SERVER_TITLE
            os.kill(waiting[0], signal.SIGKILL)
            wait_until(lambda pid=waiting[0]: not Path(f"/proc/{pid}").exists())
            with nursery.start_child() as child:
                assert child.pid != waiting[0]
                assert some_numbers(child, tmp_path)
    finally:
        nursery.close()
    assert nursery.preforked_pids() == []
