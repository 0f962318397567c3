"""Few arenas for malloc: a process of many threads keeps what they free for others to use."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""
ARENAS: Final = 2


def limit_malloc_arenas(arenas: int = ARENAS) -> None:
    """Let the threads of this process share a few arenas; elsewhere than with glibc nothing happens.

    glibc gives up to eight arenas a processor to threads, and what one frees in its own is of no use to the
    others. This process has dozens of short-lived threads, which hold the interpreter's lock while they
    allocate: it grew by 20 KiB a job until each arena had had its largest.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, arenas)
