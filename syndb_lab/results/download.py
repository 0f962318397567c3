"""Downloads of result files: hashed while they arrive, or copied from the folder of a local service."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from syndb_lab.errors import ResultDamaged, ResultExpired, ServiceUnavailable, SyndbError, TooManyRequests
from syndb_lab.http.transport import Transport
from syndb_lab.next_steps.next_step import Action, NextStep

FRUITLESS_TRIES: Final = 8
PAUSE_S: Final = 0.5
CHUNK_BYTES: Final = 4 << 20
COPIED_BYTES: Final = 32 << 20
FICLONE: Final = 0x40049409  # linux/fs.h: make the file share the other's blocks until either is written
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
OnProgress = Callable[[int], None]


class Download:
    """A download in progress, with the checksum of the bytes that have arrived.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's path on the service.
    file : BinaryIO
        The output.
    sha256 : str
        The expected checksum.
    size : int, optional
        The expected number of bytes.
    on_progress : callable
        Called with the number of bytes that have arrived.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        file: BinaryIO,
        sha256: str,
        size: int | None,
        on_progress: OnProgress,
    ) -> None:
        self._transport = transport
        self._path = path
        self._file = file
        self._sha256 = sha256
        self._size = size
        self._on_progress = on_progress
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def is_complete(self) -> bool:
        """Whether the bytes that have arrived have the expected checksum."""
        return self._digest.hexdigest() == self._sha256

    def fetch(self) -> None:
        """Fetch the missing bytes; after a broken connection, resume at the last byte that arrived."""
        reached, fruitless = 0, 0
        while True:
            pause = 0.0
            try:
                self._fetch_missing()
                if self._size is None or self.bytes >= self._size:
                    return
                cause: Exception = httpx.RemoteProtocolError("the answer ended early")
            except TooManyRequests as error:
                cause = error
                pause = error.retry_after or PAUSE_S
            except (httpx.TransportError, ServiceUnavailable) as error:
                cause = error
            if self.is_complete:
                return
            fruitless = 0 if self.bytes > reached else fruitless + 1
            reached = max(self.bytes, reached)
            if fruitless >= FRUITLESS_TRIES:
                raise cause if isinstance(cause, SyndbError) else self._transport.unreachable(cause)
            time.sleep(max(pause, PAUSE_S * fruitless))

    def restart(self) -> None:
        """Discard the bytes that have arrived."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.bytes = 0

    def damage(self) -> ResultDamaged:
        """Build the error for bytes that do not have the recorded checksum."""
        return ResultDamaged(
            f"the downloaded result has {self.bytes:,} bytes and the checksum "
            f"{self._digest.hexdigest()[:12]}…, not {self._sha256[:12]}…",
            hint=NextStep(Action.DOWNLOAD_AGAIN),
        )

    def _fetch_missing(self) -> None:
        start = self.bytes
        range_headers = {"Range": f"bytes={start}-", "If-Range": f'"{self._sha256}"'} if start else {}
        headers = {"Accept-Encoding": "identity", **range_headers}
        with self._transport.stream(self._path, headers) as response:
            if start and response.status_code != httpx.codes.PARTIAL_CONTENT:
                if response.headers.get("ETag", "").strip('"') != self._sha256:
                    raise ResultExpired(
                        "the result was replaced during the download", hint="Ask for it again."
                    )
                self.restart()  # a proxy that does not support ranges
            elif start and not response.headers.get("Content-Range", f"bytes {start}-").startswith(
                f"bytes {start}-"
            ):
                raise httpx.RemoteProtocolError("another part came than was asked for")
            for chunk in response.iter_bytes():
                self._file.write(chunk)
                self._digest.update(chunk)
                self.bytes += len(chunk)
                if self._size is not None and self.bytes > self._size:
                    return
                self._on_progress(self.bytes)


def download(
    transport: Transport,
    path: str,
    target: Path,
    *,
    sha256: str,
    size: int | None = None,
    on_progress: OnProgress | None = None,
) -> None:
    """Stream a result into a file; after a broken connection, resume at the last byte that arrived.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's path on the service.
    target : Path
        The file to write; it is replaced if it exists.
    sha256 : str
        The expected checksum.
    size : int, optional
        The expected number of bytes; the download ends when more arrive.
    on_progress : callable, optional
        Called with the number of bytes that have arrived.

    Raises
    ------
    ResultDamaged
        The bytes do not have the recorded checksum, also after a second download.
    """
    with open_private(target) as file:
        fetching = Download(transport, path, file, sha256, size, on_progress or ignore_progress)
        fetching.fetch()
        if not fetching.is_complete:  # damage in transit is gone in a second download
            fetching.restart()
            fetching.fetch()
    if not fetching.is_complete:
        target.unlink(missing_ok=True)
        raise fetching.damage()


def copy_file(source: Path, target: Path, on_progress: OnProgress | None = None) -> os.stat_result:
    """Copy a file, and return the stat of the source after the copy.

    On file systems that support it, the copy shares the source's blocks until one of the two is written,
    which takes almost no time and space. Elsewhere the kernel copies the bytes. Later changes of one file
    never show in the other.
    """
    with source.open("rb") as source_file, open_private(target) as file:
        if not shares_blocks(source_file, file):
            copied = 0
            while sent := _copy_block(source_file, file, copied):
                copied += sent
                (on_progress or ignore_progress)(copied)
        return os.fstat(source_file.fileno())


def _copy_block(source: BinaryIO, target: BinaryIO, start: int) -> int:
    """Copy a block of bytes to the same offset of another file; return its size, 0 at the end."""
    try:
        return os.copy_file_range(source.fileno(), target.fileno(), COPIED_BYTES, start, start)
    except (OSError, AttributeError):  # not between these file systems, or not on Linux
        source.seek(start)
        target.seek(start)
        sent = target.write(source.read(CHUNK_BYTES))
        target.flush()
        return sent


def shares_blocks(source: BinaryIO, target: BinaryIO) -> bool:
    """Make the target share the source's blocks; return False if the file system can't."""
    import fcntl

    try:
        fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
    except OSError:
        return False
    return True


def open_private(target: Path) -> BinaryIO:
    """Open a file for writing that this user alone can read; its old content is removed."""
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def ignore_progress(_: int) -> None:
    """Do nothing with a report of progress."""


def unwritable(error: OSError, folder: Path) -> SyndbError:
    """Build the error for a result that can't be written to a folder."""
    if error.errno in FULL:
        return SyndbError(
            f"no space left for the result in {folder}",
            hint="Make room there and ask again, or set XDG_CACHE_HOME to a folder on another disk.",
        )
    return SyndbError(
        f"the result can't be written to {folder}: {error.strerror}",
        hint="Fix its permissions, or set XDG_CACHE_HOME to a folder that can be written.",
    )
