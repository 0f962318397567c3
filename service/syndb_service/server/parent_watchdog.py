"""What ties a process to the supervisor that started it: it says when it is ready, and ends with it."""

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
    """A process's end of the socket to its supervisor.

    Parameters
    ----------
    sock : socket.socket, optional
        None for a process that was started by hand: it is tied to nobody.
    """

    def __init__(self, sock: socket.socket | None) -> None:
        self._socket = sock

    @classmethod
    def start(cls) -> ParentWatchdog:
        """Take hold of the lifeline that the supervisor left in the environment.

        From here on this process is killed when the supervisor ends, however that ends: by the kernel
        where it knows how (Linux), and by a thread that sees the socket close.
        """
        tied_to = os.environ.pop(VARIABLE, None)
        if tied_to is None:
            return cls(None)
        fd, supervisor = (int(number) for number in tied_to.split(":"))
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:  # it ended before we asked the kernel
            os._exit(1)
        lifeline = cls(socket.socket(fileno=fd))
        BackgroundThread("lifeline", lifeline._end_with_supervisor).start()
        return lifeline

    def report_ready(self) -> None:
        """Tell the supervisor that this process does its work."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendall(READY)

    def _end_with_supervisor(self) -> None:
        assert self._socket is not None  # noqa: S101 - only then the thread is started
        with contextlib.suppress(OSError):
            if self._socket.recv(1):
                return
        os.kill(os.getpid(), signal.SIGKILL)


def watchdog_environment(fd: int) -> dict[str, str]:
    """Return what the supervisor adds to the environment of a process; ``fd`` is the process's end."""
    return {VARIABLE: f"{fd}:{os.getpid()}"}
