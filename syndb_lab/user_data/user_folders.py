"""The folders of the user: state, cache, and the data of an embedded service."""

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
    """Return the folder of the journal, the drafts and the tokens."""
    return _find_folder("state", platformdirs.user_state_path)


def cache_folder() -> Path:
    """Return the folder of cached result files."""
    return _find_folder("cache", platformdirs.user_cache_path)


def data_folder() -> Path:
    """Return the default data folder of an embedded service."""
    return _find_folder("data", platformdirs.user_data_path)


def _find_folder(kind: str, find: Callable[[str], Path]) -> Path:
    """Return a folder of the platform, or one for temporary files if the user has no home directory."""
    try:
        return find(APP)
    except RuntimeError:
        return _homeless(tempfile.gettempdir(), os.getuid()) / kind


@functools.cache
def _homeless(parent: str, user: int) -> Path:
    """Make a folder for a user without a home directory, which no other user made or can read."""
    folder = Path(parent) / f"{APP}-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    is_own = stat.S_ISDIR(state.st_mode) and state.st_uid == user and not state.st_mode & 0o077
    return folder if is_own else Path(tempfile.mkdtemp(prefix=f"{APP}-"))
