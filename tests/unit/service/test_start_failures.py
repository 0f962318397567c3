"""Children that can't be started: what the way there took is given back, and later ones start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, NoReturn

import pytest

from syndb_service.errors import TransientError
from syndb_service.isolation import child_log, fork_server_client
from syndb_service.isolation.fork_server import FORK, PID, READY, REQUEST
from syndb_service.isolation.fork_server_client import ForkServerClient
from syndb_service.server.process_supervisor import ProcessSupervisor
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")

FAILURES = 60
SERVER = """
import errno, os, socket, sys
from syndb_service.isolation import fork_server as forkserver

def failing(call, times):
    left = [times]
    def attempt(*arguments):
        if left[0]:
            left[0] -= 1
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return call(*arguments)
    return attempt

def broken_child(sock):
    raise MemoryError

server = forkserver.ForkServer(socket.socket(fileno=int(sys.argv[1])), broken_child)
os.fork = failing(os.fork, {times})
os.pipe = failing(os.pipe, {times})
socket.socketpair = failing(socket.socketpair, {times})
forkserver.socket.send_fds = failing(socket.send_fds, {times})
server.serve()
"""


def descriptors(pid: int | str = "self") -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@contextmanager
def fork_server() -> Iterator[tuple[socket.socket, int]]:
    ours, theirs = socket.socketpair()
    with closing(ours), theirs:
        command = [sys.executable, "-c", SERVER.format(times=FAILURES), str(theirs.fileno())]
        server = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL)
        theirs.close()
        assert ours.recv(1) == READY
        yield ours, server.pid
        ours.close()
        server.wait(120)


def fork(control: socket.socket) -> tuple[int, list[int]]:
    control.sendall(REQUEST.pack(FORK, 0))
    message, fds, _, _ = socket.recv_fds(control, PID.size, 2)
    return PID.unpack(message)[0], fds


def test_forks_that_fail_leave_nothing_open_and_later_ones_work() -> None:
    with fork_server() as (control, pid):
        before = descriptors(pid)
        for _ in range(4 * FAILURES):
            assert fork(control) == (0, [])
        wait_until(lambda: descriptors(pid) == before)  # the last children are yet to be reaped
        child, (sock, status) = fork(control)
        assert child
        with closing(socket.socket(fileno=sock)) as answers:
            assert answers.recv(1) == b"", "a child that fails ends, and is no second fork server"
        assert os.read(status, 4) == b"\0\0\0\1"
        os.close(status)


def no_process(*_: object, **__: object) -> NoReturn:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def no_thread(_: object) -> NoReturn:
    raise RuntimeError("can't start new thread")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["no process", "no thread", "no engines"])
def test_a_fork_server_that_does_not_start_leaves_nothing_open(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = ForkServerClient()
    with monkeypatch.context() as patch:
        if fault == "no process":
            patch.setattr(fork_server_client.subprocess, "Popen", no_process)
        elif fault == "no thread":
            patch.setattr(fork_server_client, "relay", no_thread_for)
        else:
            patch.setattr(fork_server_client.sys, "executable", "/bin/true")
        before = descriptors()
        with pytest.raises(TransientError, match=r"engines can't be loaded|no process can be started"):
            children.start_child()
        wait_until(lambda: descriptors() <= before)  # the thread that reads its log ends after it
    with children.start_child() as child:
        assert child.pid
    children.close()


def no_thread_for(pipe: IO[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        child_log.relay(pipe)


def test_a_closed_nursery_starts_nothing() -> None:
    children = ForkServerClient()
    children.close()
    with pytest.raises(TransientError, match="ending"):
        children.start_child()


def test_a_process_that_can_not_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def third_time(*arguments: object, **options: object) -> object:
        tries.append(descriptors())
        if len(tries) < 3:
            no_process()
        return popen(*arguments, **options)  # type: ignore[call-overload]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", third_time)
    script = (
        "import os, socket; "
        "socket.socket(fileno=int(os.environ['SYNDB_LIFELINE'].split(':')[0])).sendall(b'r'); "
        "import time; time.sleep(60)"
    )
    supervisor = ProcessSupervisor("worker", [sys.executable, "-c", script], 1)
    assert supervisor.run(lambda: supervisor._count_signal()) == 0
    assert len(tries) == 3
    assert tries[0] == tries[1] == tries[2]
