"""A supervisor of our own processes: it keeps so many of them alive, and leaves none behind."""

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

CANNOT_START = 78  # a process's exit status: what is wrong is told, and trying again does not help
GRACE_S = 20.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
LIVED_S = 60.0


class _Slot:
    """One of the places for a process; a process that dies is followed by another in the same place."""

    def __init__(self, name: str, command: Sequence[str], pass_fds: Sequence[int]) -> None:
        self.name = name
        self.is_ready = False
        self.start_at: float | None = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.lifeline: socket.socket | None = None
        self._command = command
        self._pass_fds = pass_fds
        self._started_at = 0.0
        self._deaths = 0

    def start(self) -> None:
        """Start a process in a group of its own, so that a terminal's Ctrl-C reaches the supervisor alone."""
        with contextlib.ExitStack() as failed:
            ours, theirs = (failed.enter_context(end) for end in socket.socketpair())
            ours.setblocking(False)
            self.process = subprocess.Popen(
                self._command,
                env=os.environ | watchdog_environment(theirs.fileno()),
                pass_fds=(*self._pass_fds, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
            failed.pop_all()
        theirs.close()
        self.lifeline = ours
        self.start_at = None
        self._started_at = time.monotonic()

    def start_later(self, error: OSError) -> None:
        """Put off a start that the system refused."""
        pause = self._next_pause()
        self.start_at = time.monotonic() + pause
        log.warning("%s can't be started, and is tried again in %g s: %s", self.name, pause, error)

    def read_status(self) -> None:
        """Note whether the process says that it is ready."""
        if self.lifeline is not None and not self.is_ready:
            with contextlib.suppress(OSError):
                self.is_ready = self.lifeline.recv(1) == READY

    def reap(self) -> int | None:
        """Say how the process ended, if it has, and when the next one is to start."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        lived = time.monotonic() - self._started_at
        self._deaths = 0 if lived > LIVED_S else self._deaths
        self.start_at = time.monotonic() + self._next_pause()
        log.warning(
            "%s (process %d) %s after %.1f s", self.name, self.process.pid, _describe_exit(status), lived
        )
        self.release()
        return status

    def _next_pause(self) -> float:
        pause: float = min(FIRST_PAUSE_S * 2**self._deaths, LONGEST_PAUSE_S)
        self._deaths = min(self._deaths + 1, 16)
        return pause

    def release(self) -> None:
        """Let go of a process that has ended."""
        if self.lifeline is not None:
            self.lifeline.close()
        self.process, self.lifeline, self.is_ready = None, None, False


class ProcessSupervisor:
    """Keeps processes alive until SIGTERM or SIGINT.

    Each is a fresh interpreter. One that dies is started again, after a pause of 0.1 s that doubles to
    10 s and begins anew after a minute of life; the others don't notice. If the supervisor itself is
    killed, its processes end with it (see :mod:`syndb_service.server.parent_watchdog`).

    Parameters
    ----------
    name : str
        What they are, in the log.
    command : sequence of str
        Starts one; it takes hold of its lifeline, and ends on SIGTERM after giving back its work.
    count : int
        How many of them.
    pass_fds : sequence of int
        Descriptors that they inherit, such as a listening socket.
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
        self._places = [_Slot(f"{name} {number + 1}", command, pass_fds) for number in range(count)]
        self._grace_s = grace_s
        self._signals = 0
        self._announced = False

    def run(self, ready: Callable[[], None]) -> int:
        """Run until a signal; return the exit status: 0, or 1 if the processes can't start.

        ``ready`` is called once, when all of them do their work. The first one starts alone: it prepares
        what they share, and says alone what is wrong.
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
        for place in self._startable_slots():
            if place.start_at is not None and place.start_at <= time.monotonic():
                try:
                    place.start()
                except OSError as error:
                    place.start_later(error)

    def _startable_slots(self) -> list[_Slot]:
        """Return the places that may be filled: until the first process is ready, its own alone."""
        return self._places if self._announced or self._places[0].is_ready else self._places[:1]

    def _wait(self, wake: int) -> None:
        """Wait until a process says something or ends, a signal arrives, or another is to start."""
        due = [place.start_at for place in self._startable_slots() if place.start_at is not None]
        timeout = max(min(due) - time.monotonic(), 0.0) if due else None
        unheard = [place.lifeline.fileno() for place in self._places if place.lifeline and not place.is_ready]
        readable, _, _ = select.select([wake, *unheard], [], [], timeout)
        if wake in readable:
            os.read(wake, 512)

    def _check_slot(self) -> int:
        for place in self._places:
            place.read_status()
            if place.reap() == CANNOT_START and not self._announced:
                return 1
        return 0

    def _log_ready(self, ready: Callable[[], None]) -> None:
        if not self._announced and all(place.is_ready for place in self._places):
            self._announced = True
            ready()

    def _end(self, wake: int) -> None:
        """Ask every process to end; kill what is left after the grace period, or at a second signal."""
        asked = self._signals
        until = time.monotonic() + self._grace_s
        for place in self._places:
            if place.process is not None:
                place.process.terminate()
        while any(place.process and place.process.poll() is None for place in self._places):
            left = until - time.monotonic()
            if left <= 0 or self._signals > asked:
                break
            if wake in select.select([wake], [], [], left)[0]:
                os.read(wake, 512)
        for place in self._places:
            if place.process is not None:
                if place.process.poll() is None:
                    log.warning("%s (process %d) did not end and is killed", place.name, place.process.pid)
                    place.process.kill()
                place.process.wait()
                place.release()

    @contextmanager
    def _listening_to_signals(self) -> Iterator[int]:
        """Count SIGTERM and SIGINT; each of them, and each end of a process, makes ``wake`` readable."""
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
