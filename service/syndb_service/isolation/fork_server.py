"""The fork server: a small process that has imported the engines and forks a child for each task.

It starts with an empty environment, sets the variables that its libraries read when they are loaded, and
clears them in every child. The engine that it opens for its children has no threads, because the fork of a
process with threads can hang. It ends, with every child, when its control socket closes, so that no child
outlives a killed service.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.abc import MetaPathFinder
from typing import NoReturn

from syndb_service.isolation.process_name import FORK_SERVER_TITLE, set_process_title

REQUEST = struct.Struct("!cI")
PID = struct.Struct("!I")
STATUS = struct.Struct("!i")
FORK, KILL = b"f", b"k"
READY = b"r"
PRELOADED = (
    "syndb_service.child.main",
    "pyarrow.compute",
    "pyarrow.ipc",
    "pyarrow.parquet",
    "pyarrow.csv",
    "numpy",
)
PR_SET_PDEATHSIG = 1
LIBRARIES_READ = {
    "TZ": "UTC",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
M_ARENA_MAX, ARENAS = -8, 4
"""Arenas of glibc's allocator (mallopt(3)); the default of eight per processor wastes memory."""


class ForkServer:
    """Server that forks children on request and reports the exit status of each.

    Parameters
    ----------
    control : socket.socket
        When the service closes its end, the server and all children end.
    run_child : callable
        Receives the child's socket and returns the exit status.
    """

    def __init__(self, control: socket.socket, run_child: Callable[[socket.socket], int]) -> None:
        self._control = control
        self._run_child = run_child
        self._status_pipes: dict[int, int] = {}
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)

    def serve(self) -> None:
        """Handle requests until the control socket closes, then end every child."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._control.sendall(READY)
        while True:
            readable, _, _ = select.select([self._control.fileno(), self._wake_read], [], [])
            if self._wake_read in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 512)
                self._reap()
            if self._control.fileno() in readable and not self._answer():
                break
        for pid in self._status_pipes:
            _kill_group(pid)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    def _answer(self) -> bool:
        try:
            request = self._control.recv(REQUEST.size, socket.MSG_WAITALL)
        except ConnectionError:
            return False
        if len(request) < REQUEST.size:
            return False
        operation, pid = REQUEST.unpack(request)
        if operation == FORK:
            self._fork()
        elif pid in self._status_pipes:
            _kill_group(pid)
        return True

    def _fork(self) -> None:
        try:
            with contextlib.ExitStack() as opened:
                self._fork_one(opened)
        except OSError as error:
            print(f"fork server: {error}", file=sys.stderr)
            self._control.sendall(PID.pack(0))

    def _fork_one(self, opened: contextlib.ExitStack) -> None:
        """Fork a child; send its socket and status pipe. ``opened`` closes this process's descriptors."""
        ours, theirs = (opened.enter_context(end) for end in socket.socketpair())
        status_read, status_write = os.pipe()
        opened.callback(os.close, status_read)
        with contextlib.ExitStack() as failed:
            failed.callback(os.close, status_write)
            pid = os.fork()
            if pid == 0:
                self._run_and_exit(theirs, (ours.fileno(), status_read, status_write))
            failed.pop_all()
        self._status_pipes[pid] = status_write
        try:
            socket.send_fds(self._control, [PID.pack(pid)], [ours.fileno(), status_read])
        except OSError:
            _kill_group(pid)
            raise

    def _run_and_exit(self, sock: socket.socket, inherited: tuple[int, ...]) -> NoReturn:
        """Run the child's code and exit, so that the child never continues as a second fork server."""
        status = 1
        try:
            status = self._become_child(sock, inherited)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _become_child(self, sock: socket.socket, inherited: tuple[int, ...]) -> int:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _die_with_parent()
        os.environ.clear()
        for fd in (*inherited, self._wake_read, self._wake_write, *self._status_pipes.values()):
            os.close(fd)
        self._control.close()
        return self._run_child(sock)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            pipe = self._status_pipes.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(pipe, STATUS.pack(os.waitstatus_to_exitcode(status)))
            os.close(pipe)


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)


class PandasBlocker(MetaPathFinder):
    """Import hook that hides pandas: pyarrow would import it in every job, and no job needs it."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raise for pandas; leave other modules to the next finder."""
        if fullname == "pandas":
            raise ModuleNotFoundError("a job has no pandas", name=fullname)


def main() -> None:
    """Run the fork server on the socket whose descriptor is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    set_process_title(FORK_SERVER_TITLE)
    os.environ.update(LIBRARIES_READ)
    time.tzset()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    sys.meta_path.insert(0, PandasBlocker())
    for module in PRELOADED:
        import_module(module)
    child = import_module("syndb_service.child.main")
    child.preload()
    gc.collect()
    gc.freeze()
    ForkServer(control, child.run).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
