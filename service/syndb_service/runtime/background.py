"""Background loops that run as long as their process: rounds that continue after every error.

A loop whose thread ended by an unforeseen error would stop its work silently. So each loop consists of
rounds: a failed round is logged, and the next one starts after a growing pause. All loops are registered
here: readiness reports those that keep failing, and tests can list them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from syndb_service.errors import TransientError

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
FAILURES_IN_TROUBLE: Final = 3
"""Number of consecutive failed rounds from which a loop is reported."""

_registered: list[Rounds] = []
_lock: Final = threading.Lock()


class EndOfRounds(Exception):
    """Raised by a round to end its loop."""


class Rounds:
    """The rounds of one loop: their count, the pause after failures, and the reported problem.

    Parameters
    ----------
    name : str
        Name of the loop, for the log and for readiness.
    longest_pause_s : float
        The longest pause after failed rounds, in seconds.

    Examples
    --------
    >>> rounds = Rounds("example")
    >>> with rounds.attempt():
    ...     print("done")
    done
    >>> rounds.done, rounds.pause_s, rounds.trouble
    (1, 0.0, None)
    """

    def __init__(self, name: str, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        self.name = name
        self.done = 0
        self.pause_s = 0.0
        self.trouble: str | None = None
        self._longest_pause_s = longest_pause_s
        self._failures = 0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run one round and log its error; the caller then waits ``pause_s`` seconds.

        An unavailable dependency does not count as a failure of the loop.
        """
        try:
            yield
        except EndOfRounds:
            raise
        except TransientError as error:
            log.warning("%s: a round is repeated later: %s", self.name, error.message)
            self._grow_pause()
        except Exception as error:
            self._failures += 1
            log.exception("%s: a round failed; the next one follows", self.name)
            if self._failures >= FAILURES_IN_TROUBLE:
                self.trouble = f"{self.name} failed {self._failures} times in a row ({type(error).__name__})"
            self._grow_pause()
        else:
            self.done += 1
            self.pause_s, self.trouble, self._failures = 0.0, None, 0

    def register(self) -> None:
        """Add the loop to those that :func:`check` checks."""
        with _lock:
            if self not in _registered:
                _registered.append(self)

    def unregister(self) -> None:
        """Remove the loop from those that :func:`check` checks, because it ends as intended."""
        with _lock:
            if self in _registered:
                _registered.remove(self)

    def _grow_pause(self) -> None:
        self.pause_s = min(max(2 * self.pause_s, FIRST_PAUSE_S), self._longest_pause_s)


class BackgroundThread(Rounds):
    """A thread that repeats a step until it is stopped.

    Parameters
    ----------
    name : str
        Name of the thread.
    step : callable
        One round. It waits for its next work itself, with :meth:`wait` for a time.
    stopped : threading.Event, optional
        The event that ends the thread; a new one by default.
    """

    def __init__(self, name: str, step: Callable[[], None], stopped: threading.Event | None = None) -> None:
        super().__init__(name)
        self.step = step
        self._stopped = stopped or threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread, and register the loop."""
        self._thread.start()
        self.register()

    def wait(self, seconds: float) -> bool:
        """Wait for up to ``seconds``; return whether the thread must end."""
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        """Stop after the running step, and wait for its end."""
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self.unregister()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self.attempt():
                    self.step()
            except EndOfRounds:
                break
            except BaseException:
                log.exception("%s: a round was aborted; the next one follows", self.name)
            self._stopped.wait(self.pause_s)
        self.unregister()


def list_loops() -> list[Rounds]:
    """Return the loops of this process."""
    with _lock:
        return list(_registered)


def check() -> None:
    """Require that every loop works.

    Raises
    ------
    TransientError
        If some keep failing or have ended; the message names them.
    """
    problems = [
        loop.trouble or f"{loop.name} has ended"
        for loop in list_loops()
        if loop.trouble is not None or (isinstance(loop, BackgroundThread) and not loop.alive)
    ]
    if problems:
        raise TransientError("; ".join(problems), code="threads_failing", hint="The service's log says why.")
