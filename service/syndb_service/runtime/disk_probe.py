"""The disk probe: writes a file to find out whether a folder is writable and its disk has space."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path
from typing import Final

PROBE_BYTES: Final = 2**18
"""Too large to be stored inline in the inode, and to fit on a full file system."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def write_probe(folder: Path, size: int = PROBE_BYTES) -> None:
    """Write a file of ``size`` bytes to the disk, and remove it.

    Raises
    ------
    OSError
        If the file can't be written.
    """
    probe = folder / f".probe-{uuid.uuid4().hex}"
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        remaining = memoryview(os.urandom(4096) * (size // 4096))
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)


def is_full(error: BaseException | None) -> bool:
    """Return whether the error means that a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in _FULL
