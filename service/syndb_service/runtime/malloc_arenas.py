"""A limit on malloc's arenas, so that threads of a process can reuse memory that other threads freed."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""
ARENAS: Final = 2


def limit_malloc_arenas(arenas: int = ARENAS) -> None:
    """Limit the number of arenas that the threads of this process share; do nothing without glibc.

    glibc creates up to eight arenas per processor, and memory that is freed in one arena is not reused by
    threads of another. This process has dozens of short-lived threads, which hold the interpreter's lock
    while they allocate: it grew by 20 KiB per job until each arena had reached its maximum.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, arenas)
