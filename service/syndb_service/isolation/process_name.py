"""The name of a process in ``ps -o comm`` and ``top``: the kind of task that a child runs."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

PR_SET_NAME = 15
FORK_SERVER_TITLE: Final = "syndb-fork-srv"
"""The title of the fork server and of preforked children, which wait for a task."""


def set_process_title(name: str) -> None:
    """Set the name of this process; the kernel keeps 15 bytes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
