"""A disk of a few megabytes, which a test fills up or makes read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

CHUNKS = (2**20, 2**12, 1)


class SmallDisk:
    """A mounted file system."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / ".ballast"

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let nothing be written as long as the context lasts."""
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for size in CHUNKS:
                with contextlib.suppress(OSError):
                    while os.write(file, b"0" * size):
                        pass
            yield
        finally:
            os.close(file)
            self._ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Refuse every write as long as the context lasts; no file may be open for writing."""
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, how: str) -> None:
        remount = ["mount", "-o", f"remount,{how}", str(self.path)]
        wait_until(
            lambda: not subprocess.run(remount, capture_output=True, check=False).returncode,
            f"{self.path} is busy",
        )


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk in memory; where that is not allowed the test is skipped, with the reason."""
    path.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(path)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"only root, with the right to mount, can make a small disk: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
