"""The name of a process in ``ps -o comm`` and ``top``: what a child is doing, or that it waits."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

PR_SET_NAME = 15
NURSERY: Final = "syndb-nursery"
"""The fork server, and the children that wait for a task."""


def set_process_title(name: str) -> None:
    """Name this process; the kernel keeps 15 bytes of it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
