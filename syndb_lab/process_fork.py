"""What a process made by fork needs anew: its locks and its connections."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final, Protocol


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


def _renew() -> None:
    for owner in list(RENEWED):
        owner.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
