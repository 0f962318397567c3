"""The client of the fork server: starts, follows and ends child processes."""

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
from syndb_service.isolation.channel import MAX_ANSWER_BYTES, ChildChannel, FrameType, wait_readable
from syndb_service.isolation.child_log import relay
from syndb_service.isolation.fork_server import FORK, KILL, PID, READY, REQUEST, STATUS

log = logging.getLogger(__name__)

CHILDREN_AHEAD = 1
"""Preforked children of a worker: with one, a user's next query doesn't wait for a fork."""

START_S = 60.0
"""Seconds in which a fork server must load the engines."""

LOST = -9
"""The status of a child whose fork server was killed: both received SIGKILL."""


class ChildProcess:
    """One child process; leaving its context kills it."""

    def __init__(self, fork_server: ForkServerClient, pid: int, sock: socket.socket, status_fd: int) -> None:
        self._fork_server = fork_server
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
        """Close the channel; a child that still waits for its task ends."""
        self.frames.close()
        os.close(self._status_fd)

    def receive(self, timeout_s: float) -> tuple[FrameType, dict[str, Any]]:
        """Wait for a frame with a JSON payload and return it.

        Raises
        ------
        TimeoutError
            If no frame arrives in time.
        EOFError
            If the child has ended.
        """
        while not self._answers:
            if self.frames.ended:
                raise EOFError
            if not wait_readable([self.frames.fileno()], timeout_s):
                raise TimeoutError
            self._answers += self.frames.receive()
        kind, payload = self._answers.popleft()
        return kind, json.loads(payload)

    def kill(self) -> None:
        """Send SIGKILL to the child and its process group, unless it has ended."""
        if not self._poll_status(0):
            self._fork_server.kill(self.pid)

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for the exit and return its status (negative: the number of the signal).

        Parameters
        ----------
        patience_s : float, optional
            Seconds after which a running child is killed.
        """
        if not self._poll_status(timeout_s):
            self.kill()
            self._poll_status(None)
        return LOST if self._status is None else self._status

    def _poll_status(self, timeout: float | None) -> bool:
        if self._status is None and wait_readable([self._status_fd], timeout):
            data = os.read(self._status_fd, STATUS.size)
            self._status = STATUS.unpack(data)[0] if data else LOST
        return self._status is not None


class ForkServerClient:
    """Client that starts child processes through a fork server, and restarts the server if it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._max_preforked = 0
        self._preforked: deque[ChildProcess] = deque()
        self._closed = False
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_logged = False

    def start(self, waiting: int = 0) -> None:
        """Start the fork server before the first child is needed.

        Parameters
        ----------
        waiting : int
            Children to prefork with an open engine. Each runs one task and is then replaced; if all are in
            use, a child is forked on demand.
        """
        with self._lock:
            try:
                self._ensure_server()
            except OSError as error:
                raise _none_can_be_started() from error
            self._max_preforked = waiting
        self._replenish()

    def start_child(self) -> ChildProcess:
        """Return a preforked child process, or start one.

        Raises
        ------
        TransientError
            If no process can be started now.
        """
        with self._lock:
            if self._closed:
                raise TransientError("this process of the service is ending", code="engine_unavailable")
            child = self._take_preforked() or self._new_child()
        self._replenish()
        return child

    def preforked_pids(self) -> list[int]:
        """Return the process ids of the preforked children."""
        with self._lock:
            return [child.pid for child in self._preforked if not child.has_exited]

    def _take_preforked(self) -> ChildProcess | None:
        while self._preforked:
            child = self._preforked.popleft()
            if not child.has_exited:
                return child
            child.close()
        return None

    def _new_child(self) -> ChildProcess:
        for _ in range(2):
            try:
                return self._fork(self._ensure_server())
            except OSError as error:
                log.warning("fork server ended, restarting it: %s", error)
                self._stop()
        raise _none_can_be_started()

    def _replenish(self) -> None:
        """Prefork children in a background thread, so that no caller waits for a fork."""
        if self._max_preforked:
            try:
                threading.Thread(target=self._prefork, name="prefork", daemon=True).start()
            except RuntimeError as error:
                log.warning("no child preforked: %s", error)

    def _prefork(self) -> None:
        with contextlib.suppress(TransientError), self._lock:
            while len(self._preforked) < self._max_preforked and not self._closed:
                self._preforked.append(self._new_child())

    def kill(self, pid: int) -> None:
        """Ask the fork server to kill a child; it knows whether the process id is still that child's."""
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None:
                self._control.sendall(REQUEST.pack(KILL, pid))

    def close(self) -> None:
        """End the fork server and every child."""
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
        """Log once which parts of the OS sandbox this machine lacks."""
        parts = os_sandbox.missing_protections()
        if parts and not self._is_logged:
            log.warning(
                "jobs run without %s: this system has none; their other limits hold (SECURITY.md)",
                ", ".join(parts),
            )
        self._is_logged = True

    def _stop(self) -> None:
        while self._preforked:
            self._preforked.pop().close()
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
