"""The service's side of the fork server: start children, follow them, end them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from types import TracebackType
from typing import Any, Self

from syndb_service.errors import TransientError
from syndb_service.isolation import os_sandbox
from syndb_service.isolation.channel import MAX_ANSWER_BYTES, ChildChannel, FrameType
from syndb_service.isolation.child_log import relay
from syndb_service.isolation.fork_server import FORK, KILL, PID, READY, REQUEST, STATUS
from syndb_service.isolation.readable_descriptors import wait_readable

log = logging.getLogger(__name__)

CHILDREN_AHEAD = 1
"""Children that wait in a worker: one hides the start of a job's process from a user's next query."""

START_S = 60.0
"""The longest that a fork server may take to load the engines."""

LOST = -9
"""The status of a child whose fork server was killed: both got SIGKILL."""


class ChildProcess:
    """One child process; leaving its context ends it, whatever it is doing."""

    def __init__(self, nursery: ForkServerClient, pid: int, sock: socket.socket, status_fd: int) -> None:
        self._nursery = nursery
        self.pid = pid
        self.frames = ChildChannel(sock, MAX_ANSWER_BYTES)
        self._status_fd = status_fd
        self._status: int | None = None
        self._answers: deque[tuple[FrameType, bytes]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.kill()
            self.wait()
        finally:
            self.close()

    @property
    def has_exited(self) -> bool:
        """Whether it has ended."""
        return self._poll_status(0)

    def close(self) -> None:
        """Let go of it; one that still waits for its task ends."""
        self.frames.close()
        os.close(self._status_fd)

    def receive(self, patience_s: float) -> tuple[FrameType, dict[str, Any]]:
        """Wait for a frame, and return it; its payload is JSON.

        Raises
        ------
        TimeoutError
            If none comes in time.
        EOFError
            If the child has ended.
        """
        while not self._answers:
            if self.frames.ended:
                raise EOFError
            if not wait_readable([self.frames.fileno()], patience_s):
                raise TimeoutError
            self._answers += self.frames.receive()
        kind, payload = self._answers.popleft()
        return kind, json.loads(payload)

    def kill(self) -> None:
        """Send SIGKILL to the child and all it started; nothing happens if it has ended."""
        if not self._poll_status(0):
            self._nursery.kill(self.pid)

    def wait(self, patience_s: float | None = None) -> int:
        """Wait for the end and return the exit status (negative: the number of the signal).

        Parameters
        ----------
        patience_s : float, optional
            Seconds after which a child that still runs is killed.
        """
        if not self._poll_status(patience_s):
            self.kill()
            self._poll_status(None)
        return LOST if self._status is None else self._status

    def _poll_status(self, timeout: float | None) -> bool:
        if self._status is None and wait_readable([self._status_fd], timeout):
            data = os.read(self._status_fd, STATUS.size)
            self._status = STATUS.unpack(data)[0] if data else LOST
        return self._status is not None


class ForkServerClient:
    """Starts child processes, fast, by way of a fork server that it keeps alive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._most_waiting = 0
        self._waiting: deque[ChildProcess] = deque()
        self._closed = False
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._told = False

    def start(self, waiting: int = 0) -> None:
        """Start the fork server ahead of the first child.

        Parameters
        ----------
        waiting : int
            Children that are forked ahead and wait with an open engine. Each serves one task, and is followed
            by another; where they are used up, a child is forked on demand.
        """
        with self._lock:
            try:
                self._ensure_server()
            except OSError as error:
                raise _none_can_be_started() from error
            self._most_waiting = waiting
        self._replenish()

    def start_child(self) -> ChildProcess:
        """Start a child process, or give one that waits.

        Raises
        ------
        TransientError
            If no process can be started at present.
        """
        with self._lock:
            if self._closed:
                raise TransientError("this process of the service is ending", code="engine_unavailable")
            child = self._take_preforked() or self._new_child()
        self._replenish()
        return child

    def preforked_pids(self) -> list[int]:
        """Return the processes that wait for a task."""
        with self._lock:
            return [child.pid for child in self._waiting if not child.has_exited]

    def _take_preforked(self) -> ChildProcess | None:
        while self._waiting:
            child = self._waiting.popleft()
            if not child.has_exited:
                return child
            child.close()
        return None

    def _new_child(self) -> ChildProcess:
        for _ in range(2):
            try:
                return self._fork(self._ensure_server())
            except OSError as error:
                log.warning("the fork server is gone and is started again: %s", error)
                self._stop()
        raise _none_can_be_started()

    def _replenish(self) -> None:
        """Have children forked ahead, in a thread of its own: whoever got one does not wait for the next."""
        if self._most_waiting:
            try:
                threading.Thread(target=self._prefork, name="nursery", daemon=True).start()
            except RuntimeError as error:
                log.warning("no child is forked ahead: %s", error)

    def _prefork(self) -> None:
        with contextlib.suppress(TransientError), self._lock:
            while len(self._waiting) < self._most_waiting and not self._closed:
                self._waiting.append(self._new_child())

    def kill(self, pid: int) -> None:
        """Have a child killed; the fork server knows whether the process id is still its child's."""
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None:
                self._control.sendall(REQUEST.pack(KILL, pid))

    def close(self) -> None:
        """End the fork server and with it every child."""
        with self._lock:
            self._closed = True
            self._stop()

    def _fork(self, control: socket.socket) -> ChildProcess:
        control.sendall(REQUEST.pack(FORK, 0))
        message, fds, _, _ = socket.recv_fds(control, PID.size, 2)
        pid = PID.unpack(message)[0] if len(message) == PID.size else None
        if pid is None or len(fds) < 2:
            for fd in fds:
                os.close(fd)
            if pid is None:
                raise ConnectionResetError("it closed its socket")
            if pid:
                control.sendall(REQUEST.pack(KILL, pid))
            raise TransientError(
                "no process can be started: too many files or processes are open", code="engine_unavailable"
            )
        sock_fd, status_fd = fds
        return ChildProcess(self, pid, socket.socket(fileno=sock_fd), status_fd)

    def _ensure_server(self) -> socket.socket:
        if self._control is not None and self._server is not None and self._server.poll() is None:
            return self._control
        self._stop()
        self._log_missing_isolation()
        with contextlib.ExitStack() as failed:
            failed.callback(self._stop)
            ours = self._start_server(failed)
            failed.pop_all()
        self._control = ours
        return ours

    def _start_server(self, failed: contextlib.ExitStack) -> socket.socket:
        ours, theirs = socket.socketpair()
        failed.callback(ours.close)
        program = [sys.executable, "-I", "-X", "utf8", "-m", "syndb_service.isolation.fork_server"]
        with theirs:
            self._server = subprocess.Popen(
                [*program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                start_new_session=True,
            )
        if self._server.stderr is not None:
            relay(self._server.stderr)
        ours.settimeout(START_S)
        if ours.recv(1) != READY:
            raise TransientError("the engines can't be loaded; the log says why", code="engine_unavailable")
        ours.settimeout(None)
        return ours

    def _log_missing_isolation(self) -> None:
        """Log once which parts of the sandbox this machine doesn't have."""
        parts = os_sandbox.missing_protections()
        if parts and not self._told:
            log.warning(
                "jobs run without %s: this system has none; their other limits hold (SECURITY.md)",
                ", ".join(parts),
            )
        self._told = True

    def _stop(self) -> None:
        while self._waiting:
            self._waiting.pop().close()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            try:
                self._server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None


def _none_can_be_started() -> TransientError:
    return TransientError("no process can be started at present", code="engine_unavailable")
