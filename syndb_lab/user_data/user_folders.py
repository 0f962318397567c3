"""The folders of this user: what is kept for good, what may be lost, and the data of an embedded service."""

from __future__ import annotations

import functools
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

APP: Final = "syndb-lab"


def state_folder() -> Path:
    """Say where the journal, the drafts and the tokens are."""
    return _find_folder("state", platformdirs.user_state_path)


def cache_folder() -> Path:
    """Say where result files are kept for a while."""
    return _find_folder("cache", platformdirs.user_cache_path)


def data_folder() -> Path:
    """Say where an embedded service keeps its data."""
    return _find_folder("data", platformdirs.user_data_path)


def _find_folder(kind: str, find: Callable[[str], Path]) -> Path:
    """Find a folder; in a container, a user may have no home."""
    try:
        return find(APP)
    except RuntimeError:
        return _homeless(tempfile.gettempdir(), os.getuid()) / kind


@functools.cache
def _homeless(parent: str, user: int) -> Path:
    """Make the folder of a user who has no home, which nobody else can read or has made before."""
    folder = Path(parent) / f"{APP}-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o077
    return folder if is_own else Path(tempfile.mkdtemp(prefix=f"{APP}-"))
