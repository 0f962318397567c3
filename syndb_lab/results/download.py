"""Result bytes on their way into a file: hashed over the wire, or copied from a folder here."""

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
Tell = Callable[[int], None]


class Download:
    """A file that is being fetched, and the checksum of what is here of it.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's address.
    file : BinaryIO
        Where the bytes go.
    sha256 : str
        What they must hash to.
    size : int, optional
        How many there must be.
    on_progress : callable
        Told how many bytes are here, while they come.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        file: BinaryIO,
        sha256: str,
        size: int | None,
        on_progress: Tell,
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
        """Whether every byte is here, whatever became of the connection."""
        return self._digest.hexdigest() == self._sha256

    def fetch(self) -> None:
        """Fetch what is missing; after a break go on from the last byte that arrived."""
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
        """Throw away what is here."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.bytes = 0

    def damage(self) -> ResultDamaged:
        """Say that the bytes are not the ones that the service recorded."""
        return ResultDamaged(
            f"the downloaded result has {self.bytes:,} bytes and the checksum "
            f"{self._digest.hexdigest()[:12]}…, not {self._sha256[:12]}…",
            hint=NextStep(Action.DOWNLOAD_AGAIN),
        )

    def _fetch_missing(self) -> None:
        start = self.bytes
        rest = {"Range": f"bytes={start}-", "If-Range": f'"{self._sha256}"'} if start else {}
        with self._transport.stream(self._path, {"Accept-Encoding": "identity", **rest}) as response:
            if start and response.status_code != httpx.codes.PARTIAL_CONTENT:
                if response.headers.get("ETag", "").strip('"') != self._sha256:
                    raise ResultExpired(
                        "the result was replaced during the download", hint="Ask for it again."
                    )
                self.restart()  # a proxy that knows no ranges
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
    tell: Tell | None = None,
) -> None:
    """Stream a result into a file; after a break, go on from the last byte that arrived.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's address.
    target : Path
        The file to write; replaced if it is there.
    sha256 : str
        What the file must hash to.
    size : int, optional
        How many bytes it must have: more are not waited for.
    tell : callable, optional
        Told how many bytes are here, while they come.

    Raises
    ------
    ResultDamaged
        The bytes are not the ones the service recorded.
    """
    with open_private(target) as file:
        fetching = Download(transport, path, file, sha256, size, tell or ignore_progress)
        fetching.fetch()
        if not fetching.is_complete:  # what was damaged on the way comes whole the second time
            fetching.restart()
            fetching.fetch()
    if not fetching.is_complete:
        target.unlink(missing_ok=True)
        raise fetching.damage()


def copy_file(source: Path, target: Path, tell: Tell | None = None) -> os.stat_result:
    """Copy a file, and return what the file system said of it once all was copied.

    Where the file system can, the copy shares the source's blocks until one of the two is written, which
    takes no time and no room; elsewhere the kernel copies, and the bytes don't pass through this process.
    Nothing that is done to the one is ever seen in the other.
    """
    with source.open("rb") as source_file, open_private(target) as file:
        if not shares_blocks(source_file, file):
            copied = 0
            while sent := _copy_some(source_file, file, copied):
                copied += sent
                (tell or ignore_progress)(copied)
        return os.fstat(source_file.fileno())


def _copy_some(source: BinaryIO, target: BinaryIO, start: int) -> int:
    """Copy some bytes from one place to the same place of another file; return how many, 0 at the end."""
    try:
        return os.copy_file_range(source.fileno(), target.fileno(), COPIED_BYTES, start, start)
    except (OSError, AttributeError):  # two file systems that can't, or no Linux
        source.seek(start)
        target.seek(start)
        sent = target.write(source.read(CHUNK_BYTES))
        target.flush()
        return sent


def shares_blocks(source: BinaryIO, target: BinaryIO) -> bool:
    """Make the target share the source's blocks; False where the file system can't."""
    import fcntl

    try:
        fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
    except OSError:
        return False
    return True


def open_private(target: Path) -> BinaryIO:
    """Open a file for writing that this user alone can read; what was in it is gone."""
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def ignore_progress(_: int) -> None:
    """Tell nobody."""


def unwritable(error: OSError, folder: Path) -> SyndbError:
    """Say that a result can't be written, and where it was to go."""
    if error.errno in FULL:
        return SyndbError(
            f"no space left for the result in {folder}",
            hint="Make room there and ask again, or set XDG_CACHE_HOME to a folder on another disk.",
        )
    return SyndbError(
        f"the result can't be written to {folder}: {error.strerror}",
        hint="Mend its permissions, or set XDG_CACHE_HOME to a folder that can be written.",
    )
