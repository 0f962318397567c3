"""Fork safety: locks that a fork waits for, and objects that are renewed in the child.

A forked child has one thread and inherits every lock in its state at the fork: a lock that another thread of
the parent held is never released. The child renews the locks of this package. It can't renew those of
libraries, so the fork waits until they are free: the lock of a module that another thread imports (httpx
tries to import one at each request of an event loop), and those of the first use of Arrow and of polars.
The fork waits at most ``WAIT_S`` seconds for each.
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
    """An object with a lock, a thread or a connection, none of which is usable after a fork."""

    def renew_after_fork(self) -> None:
        """Replace what belongs to the parent process; called in the child, right after the fork."""


RENEWED: Final[weakref.WeakSet[Renewable]] = weakref.WeakSet()


def renew_in_children(owner: Renewable) -> None:
    """Register an object, held weakly, to be renewed in each process that is forked from this one."""
    RENEWED.add(owner)


class ProcessLock:
    """A reentrant lock that is free in a forked child, whichever thread held it at the fork."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        renew_in_children(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew_after_fork(self) -> None:
        """Replace the lock by a free one."""
        self._lock = threading.RLock()


class ForkLock:
    """A reentrant lock that delays forks while another thread holds it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.open()

    def shut(self) -> None:
        """Acquire the lock before a fork; give up after ``WAIT_S`` seconds."""
        self._lock.acquire(timeout=WAIT_S)

    def open(self) -> None:
        """Release the lock."""
        with suppress(RuntimeError):  # not held by this thread, because `shut` timed out
            self._lock.release()

    def renew_after_fork(self) -> None:
        """Replace the lock by a free one."""
        self._lock = threading.RLock()


FORK_LOCK: Final = ForkLock()
renew_in_children(FORK_LOCK)
BEFORE_FORK: Final[list[Callable[[], None]]] = []
"""Functions that are called right before each fork."""


def await_imports() -> None:
    """Wait until no other thread is importing a module."""
    held: dict[str, Callable[[], Any]] = getattr(importlib._bootstrap, "_module_locks", {})
    own = threading.get_ident()
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        time.sleep(0)  # a fresh time slice: no switch to another thread between this check and the fork
        owners = {getattr(find(), "owner", None) for find in held.copy().values()}
        if owners <= {own, None}:
            return
        time.sleep(TICK_S)


def _prepare() -> None:
    FORK_LOCK.shut()
    for prepare in BEFORE_FORK:
        prepare()
    await_imports()


def _renew() -> None:
    for owner in list(RENEWED):
        owner.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare, after_in_parent=FORK_LOCK.open, after_in_child=_renew)
