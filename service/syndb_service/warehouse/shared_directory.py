"""Folders that several processes share: one lock for changes, and work folders that outlive nobody."""

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
    """Hold the one lock of a folder; a killed process loses it at once."""
    held = _open_lock_file(root / ".lock")
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def open_leased_directory(parent: Path) -> Iterator[Path]:
    """Lend a new folder below ``parent`` and clear it afterwards, with those that nobody holds any more."""
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with lock_directory(parent):
            remove_stale_directories(parent)
            folder = Path(tempfile.mkdtemp(dir=parent))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            held = _open_lock_file(folder / ".held")
            stack.callback(os.close, held)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)  # before the lock is let go
            fcntl.flock(held, fcntl.LOCK_EX)
        yield folder


def link(source: Path, target: Path) -> None:
    """Give a file another name, below folders that are made; it stays until its last name is gone."""
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
    """Clear the folders below ``parent`` whose holders are gone; the caller holds its lock."""
    for folder in [each for each in parent.iterdir() if each.is_dir()]:
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
