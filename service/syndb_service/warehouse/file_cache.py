"""The file cache: Parquet files of a remote warehouse on this machine, bounded, shared by all processes.

    files/tables/<table>/dataset_id=<uuid>/<digest>.parquet     cached files
    leases/<random>/tables/…/<digest>.parquet                   hard links: files that a running job reads
    leases/<random>/tables/…/<digest>.parquet.part              downloads, at their full size

A file with a second link is never evicted. The folder of a killed process is deleted by the next lease. The
used bytes are computed from the files themselves, not from an index that could be wrong.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from syndb_service.errors import BadSetting, FatalError, TransientError
from syndb_service.warehouse.base import ProgressCallback
from syndb_service.warehouse.lru_directory import LruDirectory
from syndb_service.warehouse.shared_directory import (
    link,
    lock_directory,
    open_leased_directory,
    remove_stale_directories,
)

MAX_DOWNLOADS: Final = 4
REPORT_S: Final = 0.25
POLL_S: Final = 0.1

Fetch = Callable[[str], Generator[bytes, None, None]]


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file of the remote warehouse: its path, which ends in its digest, and its size in bytes."""

    path: str
    bytes: int


class FileCache:
    """A cache of files of a remote warehouse; each is downloaded once for all processes of this machine.

    Parameters
    ----------
    root : Path
        Folder of the cache, on one file system with hard links.
    max_bytes : int
        Maximum size of the cache, in bytes.
    fetch : callable
        Yields the content of a path in chunks.
    wait_s : float
        Seconds to wait while running jobs fill the cache.
    """

    def __init__(self, root: Path, max_bytes: int, fetch: Fetch, wait_s: float = 60.0) -> None:
        self._root = root.absolute()
        self._leases = self._root / "leases"
        self._files = LruDirectory(self._root / "files", self._leases, max_bytes)
        self._max_bytes = max_bytes
        self._fetch = fetch
        self._wait_s = wait_s

    def writable(self) -> None:
        """Create the folders, and require that files can be linked there.

        Raises
        ------
        BadSetting
            If they can't.
        """
        try:
            with open_leased_directory(self._leases) as folder:
                (folder / "one").touch()
                link(folder / "one", folder / "two")
        except OSError as error:
            raise BadSetting(
                f"the cache {self._root} can't be used: {error.strerror}",
                hint="It is in SYNDB_DATA_DIR: choose a folder with write access and hard links.",
            ) from error

    @contextmanager
    def lease(
        self, wanted: Sequence[WantedFile], on_progress: ProgressCallback | None = None
    ) -> Iterator[Path]:
        """Fetch files and keep them until the context ends; yield the folder that contains them by path.

        Raises
        ------
        FatalError
            With the code ``cache_too_small`` if they exceed the cache, ``dataset_damaged`` if the content of
            one is wrong.
        TransientError
            If the store is unavailable, or running jobs fill the cache.
        """
        size = sum(file.bytes for file in wanted)
        if size > self._max_bytes:
            raise FatalError(
                f"the job reads {size:,} bytes of Parquet; a worker's cache holds {self._max_bytes:,}",
                hint="Name fewer datasets (WHERE dataset_id = …); an operator may raise SYNDB_CACHE_BYTES.",
                code="cache_too_small",
            )
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(open_leased_directory(self._leases))
            except OSError as error:
                raise _unwritable(error) from error
            self._ensure_local(list(wanted), folder, _DownloadProgress(size, on_progress))
            yield folder

    def _ensure_local(self, wanted: list[WantedFile], folder: Path, progress: _DownloadProgress) -> None:
        """Link cached files, download files that no lease downloads, and wait for those of other leases."""
        deadline = time.monotonic() + self._wait_s
        while wanted:
            try:
                claimed = self._claim(wanted, folder)
            except OSError as error:
                raise _unwritable(error) from error
            if claimed:
                self._download(claimed, folder, progress)
                deadline = time.monotonic() + self._wait_s
            wanted = [file for file in wanted if not (folder / file.path).exists()]
            if not wanted:
                break
            progress.report()
            if claimed is None and time.monotonic() > deadline:
                raise TransientError(
                    "running jobs fill this worker's cache of the warehouse",
                    hint="The job is tried again; an operator may raise SYNDB_CACHE_BYTES.",
                    code="store_unavailable",
                )
            time.sleep(POLL_S)

    def _claim(self, wanted: list[WantedFile], folder: Path) -> list[WantedFile] | None:
        """Link cached files and reserve space for missing ones; None, without links, if none is free."""
        with lock_directory(self._root):
            with lock_directory(self._leases):
                remove_stale_directories(self._leases)
            missing = [file for file in wanted if not self._files.lease(file.path, file.bytes, folder)]
            pending = self._files.pending_downloads()
            claimed = [file for file in missing if file.path not in pending]
            if not self._files.evict(sum(file.bytes for file in claimed)):
                for file in wanted:
                    (folder / file.path).unlink(missing_ok=True)
                return None
            for file in claimed:
                part = _part(folder, file)
                part.parent.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as opened:
                    opened.truncate(file.bytes)
        return claimed

    def _download(self, claimed: list[WantedFile], folder: Path, progress: _DownloadProgress) -> None:
        """Download files in threads; do not wait for a thread that hangs when the lease ends."""
        pool = ThreadPoolExecutor(MAX_DOWNLOADS, thread_name_prefix="fetch")
        running: set[Future[None]] = {
            pool.submit(self._download_file, file, folder, progress) for file in claimed
        }
        try:
            while running:
                done, running = wait(running, timeout=REPORT_S, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                progress.report()
        except BaseException:
            progress.stopped.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _download_file(self, file: WantedFile, folder: Path, progress: _DownloadProgress) -> None:
        """Download one file; repeat it once if the content does not match the digest in its name."""
        part = _part(folder, file)
        try:
            if not self._write_part(file, part, progress) and not self._write_part(file, part, progress):
                raise FatalError(
                    f"the file {file.path} of the warehouse is damaged",
                    hint="An operator has to add the dataset again (dataset add --replace).",
                    code="dataset_damaged",
                )
            with lock_directory(self._root):
                self._files.put(part, file.path)
                part.rename(folder / file.path)
        except OSError as error:
            raise _unwritable(error) from error

    def _write_part(self, file: WantedFile, part: Path, progress: _DownloadProgress) -> bool:
        digest, size = hashlib.sha256(), 0
        with part.open("r+b") as opened, closing(self._fetch(file.path)) as chunks:
            for chunk in chunks:
                if progress.stopped.is_set() or size + len(chunk) > file.bytes:
                    return False
                opened.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                progress.add(len(chunk))
            os.fsync(opened.fileno())
        return size == file.bytes and digest.hexdigest().startswith(Path(file.path).stem)


@dataclass
class _DownloadProgress:
    """The downloaded bytes: the download threads count them, the waiting thread reports them."""

    total: int
    on_progress: ProgressCallback | None
    done: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        """Add downloaded bytes."""
        with self.lock:
            self.done += count

    def report(self) -> None:
        """Call the callback of the lease."""
        if self.on_progress is not None:
            self.on_progress(min(self.done, self.total), self.total)


def _part(folder: Path, file: WantedFile) -> Path:
    return folder / f"{file.path}.part"


def _unwritable(error: OSError) -> TransientError:
    return TransientError(
        f"this worker's cache of the warehouse can't be written: {error.strerror}",
        hint="The job is tried again; an operator may have to free space.",
        code="store_unavailable",
    )
