"""What a fork waits for, and what its child needs anew: locks and connections.

A child has one thread, and finds every lock as it was at the fork: what another thread of the parent held
is never let go. Locks of this package are made anew. Those of libraries can't be, and the fork waits until
they are free: the lock of a module that another thread imports (httpx tries to import one at each request of
an event loop), and those that guard the first use of Arrow and of polars: ``WAIT_S`` for each at most.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

WAIT_S: Final = 5.0
TICK_S: Final = 0.001


class Renewable(Protocol):
    """What holds a lock, a thread or a connection, none of which a fork copies in a usable state."""

    def renew_after_fork(self) -> None:
        """Replace what belongs to the parent process; runs in the child, right after the fork."""


RENEWED: Final[weakref.WeakSet[Renewable]] = weakref.WeakSet()


def renew_in_children(owner: Renewable) -> None:
    """Have an object renewed in each process that is forked from this one, for as long as it lives."""
    RENEWED.add(owner)


class ProcessLock:
    """A reentrant lock of one process: free in a child, whichever thread held it at the fork."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        renew_in_children(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew_after_fork(self) -> None:
        """Start with a free lock."""
        self._lock = threading.RLock()


class ForkLock:
    """Keeps forks waiting for as long as any other thread is inside."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.open()

    def shut(self) -> None:
        """Wait until no other thread is inside, and let none in."""
        self._lock.acquire(timeout=WAIT_S)

    def open(self) -> None:
        """Let others in again."""
        with suppress(RuntimeError):  # it was not this thread's: it waited for too long
            self._lock.release()

    def renew_after_fork(self) -> None:
        """Start with nobody inside."""
        self._lock = threading.RLock()


GATE: Final = ForkLock()
renew_in_children(GATE)
LOOKS: Final[list[Callable[[], None]]] = []
"""What is to be found out of this process right before each fork."""


def await_imports() -> None:
    """Wait until no other thread is importing a module."""
    held: dict[str, Callable[[], Any]] = getattr(importlib._bootstrap, "_module_locks", {})
    own = threading.get_ident()
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        time.sleep(0)  # so that the interpreter switches to no other thread between the look and the fork
        owners = {getattr(find(), "owner", None) for find in held.copy().values()}
        if owners <= {own, None}:
            return
        time.sleep(TICK_S)


def _prepare() -> None:
    GATE.shut()
    for look in LOOKS:
        look()
    await_imports()


def _renew() -> None:
    for owner in list(RENEWED):
        owner.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare, after_in_parent=GATE.open, after_in_child=_renew)
