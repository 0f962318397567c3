"""What goes on for as long as a process lives, whatever happens: rounds that outlast every error, and say so.

A loop whose thread ended by an unforeseen error would leave others waiting without a word. So each is made
of rounds: one that fails is logged, a growing pause follows, and the next one begins. All are registered
here: readiness tells which can't do their work, and tests can list them.
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
"""So many rounds that failed in a row are no accident."""

_registered: list[Rounds] = []
_lock: Final = threading.Lock()


class EndOfRounds(Exception):
    """Raised by a round: there is nothing more to do, ever."""


class Rounds:
    """The rounds of one loop: how they end, and whether it does its work.

    Parameters
    ----------
    name : str
        Of the loop, for the log and for readiness.
    longest_pause_s : float
        The longest pause after rounds that failed, in seconds.

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
        """Do one round; an error is logged and goes no further. ``pause_s`` is to be waited after it.

        A dependency that is unavailable is its own trouble, and not this loop's.
        """
        try:
            yield
        except EndOfRounds:
            raise
        except TransientError as error:
            log.warning("%s: a round is done again later: %s", self.name, error.message)
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
        """List it among what :func:`check` looks at."""
        with _lock:
            if self not in _registered:
                _registered.append(self)

    def unregister(self) -> None:
        """Take it off the list: it ends as it should."""
        with _lock:
            if self in _registered:
                _registered.remove(self)

    def _grow_pause(self) -> None:
        self.pause_s = min(max(2 * self.pause_s, FIRST_PAUSE_S), self._longest_pause_s)


class BackgroundThread(Rounds):
    """A thread that does a step again and again until it is stopped.

    Parameters
    ----------
    name : str
        Of the thread.
    step : callable
        One round. It waits itself for what it does next, with :meth:`wait` where it waits for a time.
    stopped : threading.Event, optional
        Ends it; one of its own if none is given.
    """

    def __init__(self, name: str, step: Callable[[], None], stopped: threading.Event | None = None) -> None:
        super().__init__(name)
        self.step = step
        self._stopped = stopped or threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self.register()

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether it is to end."""
        return self._stopped.wait(seconds)

    def stop(self) -> None:
        """Let the running step be the last one, and wait for its end."""
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
                log.exception("%s: a round was broken off; the next one follows", self.name)
            self._stopped.wait(self.pause_s)
        self.unregister()


def list_loops() -> list[Rounds]:
    """Return the loops of this process."""
    with _lock:
        return list(_registered)


def check() -> None:
    """Return if every loop does its work.

    Raises
    ------
    TransientError
        Naming those that don't.
    """
    troubles = [
        each.trouble or f"{each.name} has ended"
        for each in list_loops()
        if each.trouble is not None or (isinstance(each, BackgroundThread) and not each.alive)
    ]
    if troubles:
        raise TransientError("; ".join(troubles), code="threads_failing", hint="The service's log says why.")
