"""The process supervisor: keeps a number of processes running, and ends them with itself."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from syndb_service.server.parent_watchdog import READY, watchdog_environment

log = logging.getLogger(__name__)

CANNOT_START = 78  # exit status of a process that has reported its error and must not be restarted
GRACE_S = 20.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
STABLE_S = 60.0


class _Slot:
    """A slot for one process; when its process ends, another one is started in it."""

    def __init__(self, name: str, command: Sequence[str], pass_fds: Sequence[int]) -> None:
        self.name = name
        self.is_ready = False
        self.start_at: float | None = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.connection: socket.socket | None = None
        self._command = command
        self._pass_fds = pass_fds
        self._started_at = 0.0
        self._failures = 0

    def start(self) -> None:
        """Start a process in a group of its own, so that Ctrl-C in a terminal reaches only the supervisor."""
        with contextlib.ExitStack() as failed:
            own_end, child_end = (failed.enter_context(end) for end in socket.socketpair())
            own_end.setblocking(False)
            self.process = subprocess.Popen(
                self._command,
                env=os.environ | watchdog_environment(child_end.fileno()),
                pass_fds=(*self._pass_fds, child_end.fileno()),
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
            failed.pop_all()
        child_end.close()
        self.connection = own_end
        self.start_at = None
        self._started_at = time.monotonic()

    def start_later(self, error: OSError) -> None:
        """Schedule another start after the system rejected one."""
        pause = self._next_pause()
        self.start_at = time.monotonic() + pause
        log.warning("%s can't be started; next try in %g s: %s", self.name, pause, error)

    def read_status(self) -> None:
        """Record whether the process has reported that it is ready."""
        if self.connection is not None and not self.is_ready:
            with contextlib.suppress(OSError):
                self.is_ready = self.connection.recv(1) == READY

    def reap(self) -> int | None:
        """Return the exit status of the process if it has ended, and schedule the next start."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        lived = time.monotonic() - self._started_at
        self._failures = 0 if lived > STABLE_S else self._failures
        self.start_at = time.monotonic() + self._next_pause()
        log.warning(
            "%s (process %d) %s after %.1f s", self.name, self.process.pid, _describe_exit(status), lived
        )
        self.release()
        return status

    def _next_pause(self) -> float:
        pause: float = min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures = min(self._failures + 1, 16)
        return pause

    def release(self) -> None:
        """Close the connection to a process that has ended."""
        if self.connection is not None:
            self.connection.close()
        self.process, self.connection, self.is_ready = None, None, False


class ProcessSupervisor:
    """Keeps processes running until SIGTERM or SIGINT.

    Each process is a new interpreter. One that ends is restarted after a pause of 0.1 s, which doubles up to
    10 s and is reset once a process has run for a minute; the other processes are not affected. If the
    supervisor is killed, its processes end with it (see :mod:`syndb_service.server.parent_watchdog`).

    Parameters
    ----------
    name : str
        Name of the processes in the log.
    command : sequence of str
        Command of a process. It starts a :class:`ParentWatchdog`, and on SIGTERM requeues its work and ends.
    count : int
        Number of processes.
    pass_fds : sequence of int
        Descriptors that the processes inherit, such as a listening socket.
    grace_s : float
        Seconds from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        count: int,
        *,
        pass_fds: Sequence[int] = (),
        grace_s: float = GRACE_S,
    ) -> None:
        self._slots = [_Slot(f"{name} {number + 1}", command, pass_fds) for number in range(count)]
        self._grace_s = grace_s
        self._signals = 0
        self._has_reported_ready = False

    def run(self, ready: Callable[[], None]) -> int:
        """Run until a signal; return the exit status: 0, or 1 if the processes can't start.

        ``ready`` is called once, when all processes are ready. The first one starts alone: it upgrades the
        database, and an invalid setting is reported only once.
        """
        with self._listening_to_signals() as wake:
            status = 0
            try:
                while not self._signals and not status:
                    self._start_due()
                    self._wait(wake)
                    status = self._check_slot()
                    self._log_ready(ready)
            finally:
                self._end(wake)
        return status

    def _start_due(self) -> None:
        for slot in self._startable_slots():
            if slot.start_at is not None and slot.start_at <= time.monotonic():
                try:
                    slot.start()
                except OSError as error:
                    slot.start_later(error)

    def _startable_slots(self) -> list[_Slot]:
        """Return the slots that may start a process: only the first one until its process is ready."""
        return self._slots if self._has_reported_ready or self._slots[0].is_ready else self._slots[:1]

    def _wait(self, wake: int) -> None:
        """Wait until a process is ready or ends, a signal arrives, or the next start is due."""
        due = [slot.start_at for slot in self._startable_slots() if slot.start_at is not None]
        timeout = max(min(due) - time.monotonic(), 0.0) if due else None
        starting = [slot.connection.fileno() for slot in self._slots if slot.connection and not slot.is_ready]
        readable, _, _ = select.select([wake, *starting], [], [], timeout)
        if wake in readable:
            os.read(wake, 512)

    def _check_slot(self) -> int:
        for slot in self._slots:
            slot.read_status()
            if slot.reap() == CANNOT_START and not self._has_reported_ready:
                return 1
        return 0

    def _log_ready(self, ready: Callable[[], None]) -> None:
        if not self._has_reported_ready and all(slot.is_ready for slot in self._slots):
            self._has_reported_ready = True
            ready()

    def _end(self, wake: int) -> None:
        """Terminate every process; kill those that are left after the grace period, or at another signal."""
        signals = self._signals
        deadline = time.monotonic() + self._grace_s
        for slot in self._slots:
            if slot.process is not None:
                slot.process.terminate()
        while any(slot.process and slot.process.poll() is None for slot in self._slots):
            left = deadline - time.monotonic()
            if left <= 0 or self._signals > signals:
                break
            if wake in select.select([wake], [], [], left)[0]:
                os.read(wake, 512)
        for slot in self._slots:
            if slot.process is not None:
                if slot.process.poll() is None:
                    log.warning("%s (process %d) did not end and is killed", slot.name, slot.process.pid)
                    slot.process.kill()
                slot.process.wait()
                slot.release()

    @contextmanager
    def _listening_to_signals(self) -> Iterator[int]:
        """Count SIGTERM and SIGINT; these signals and SIGCHLD make the yielded descriptor readable."""
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        handlers = {
            signal.SIGTERM: self._count_signal,
            signal.SIGINT: self._count_signal,
            signal.SIGCHLD: lambda *_: None,
        }
        earlier = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        earlier_fd = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        try:
            yield wake
        finally:
            signal.set_wakeup_fd(earlier_fd)
            for number, handler in earlier.items():
                signal.signal(number, handler)
            os.close(wake)
            os.close(woken)

    def _count_signal(self, *_: object) -> None:
        self._signals += 1


def _describe_exit(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-status).name}"
    return f"was killed by signal {-status}"
