"""Folders that several processes share: one lock for changes, and folders that end with their process."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def lock_directory(root: Path) -> Iterator[None]:
    """Hold the lock of a folder; the lock of a killed process is released at once."""
    held = _open_lock_file(root / ".lock")
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def open_leased_directory(parent: Path) -> Iterator[Path]:
    """Open a new folder below ``parent``, and delete it at the end; delete stale folders as well."""
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with lock_directory(parent):
            remove_stale_directories(parent)
            folder = Path(tempfile.mkdtemp(dir=parent))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            held = _open_lock_file(folder / ".held")
            stack.callback(os.close, held)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)  # before the lock is released
            fcntl.flock(held, fcntl.LOCK_EX)
        yield folder


def link(source: Path, target: Path) -> None:
    """Create a hard link, and its missing parent folders; the file stays until its last link is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.hardlink_to(source)


def sync(folder: Path) -> None:
    """Write a folder's entries to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def remove_stale_directories(parent: Path) -> None:
    """Delete the folders below ``parent`` whose processes have ended; the caller holds its lock."""
    for folder in [entry for entry in parent.iterdir() if entry.is_dir()]:
        try:
            held = _open_lock_file(folder / ".held")
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(held)


def _open_lock_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
