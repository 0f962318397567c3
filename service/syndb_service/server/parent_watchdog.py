"""The watchdog: ends a process when its supervisor ends, and reports to it when the process is ready."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys

from syndb_service.runtime.background import BackgroundThread

VARIABLE = "SYNDB_LIFELINE"
READY = b"r"
PR_SET_PDEATHSIG = 1


class ParentWatchdog:
    """The socket from a process to its supervisor.

    Parameters
    ----------
    sock : socket.socket, optional
        None for a process that was started by hand, without a supervisor.
    """

    def __init__(self, sock: socket.socket | None) -> None:
        self._socket = sock

    @classmethod
    def start(cls) -> ParentWatchdog:
        """Open the socket that the supervisor names in the environment.

        From then on this process is killed when the supervisor ends for any reason: by the kernel on Linux,
        and by a thread that detects the closed socket.
        """
        variable = os.environ.pop(VARIABLE, None)
        if variable is None:
            return cls(None)
        fd, supervisor = (int(number) for number in variable.split(":"))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:  # it ended before the call of prctl
            os._exit(1)
        watchdog = cls(socket.socket(fileno=fd))
        BackgroundThread("parent watchdog", watchdog._end_with_supervisor).start()
        return watchdog

    def report_ready(self) -> None:
        """Report to the supervisor that this process is ready."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendall(READY)

    def _end_with_supervisor(self) -> None:
        assert self._socket is not None  # noqa: S101 - the thread is only started with a socket
        with contextlib.suppress(OSError):
            if self._socket.recv(1):
                return
        os.kill(os.getpid(), signal.SIGKILL)


def watchdog_environment(fd: int) -> dict[str, str]:
    """Return the variable that the supervisor sets for a process; ``fd`` is its end of the socket."""
    return {VARIABLE: f"{fd}:{os.getpid()}"}
