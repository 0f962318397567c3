"""Parquet of a distant warehouse on this machine: bounded, and shared by all its processes.

    files/tables/<table>/dataset_id=<uuid>/<digest>.parquet     what is here
    leases/<random>/tables/…/<digest>.parquet                   second names: what a running job reads
    leases/<random>/tables/…/<digest>.parquet.part              what is being brought, at its full size

A file with a second name is never evicted, the folder of a killed process is cleared by the next lease, and
what counts as used is what lies here: there is no list that could be wrong.
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

AT_A_TIME: Final = 4
REPORT_S: Final = 0.25
POLL_S: Final = 0.1

Fetch = Callable[[str], Generator[bytes, None, None]]


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file of the distant warehouse: its path there, which ends in its digest, and its size in bytes."""

    path: str
    bytes: int


class FileCache:
    """Files of a distant warehouse, brought here once for all processes of this machine.

    Parameters
    ----------
    root : Path
        Folder of the cache, on one file system with hard links.
    max_bytes : int
        What may lie there, in bytes.
    fetch : callable
        Gives the content of a path in chunks.
    wait_s : float
        Seconds to wait while running jobs fill the cache.
    """

    def __init__(self, root: Path, max_bytes: int, fetch: Fetch, wait_s: float = 60.0) -> None:
        self._root = root.absolute()
        self._leases = self._root / "leases"
        self._shelf = LruDirectory(self._root / "files", self._leases, max_bytes)
        self._max_bytes = max_bytes
        self._fetch = fetch
        self._wait_s = wait_s

    def writable(self) -> None:
        """Make the folders, and make sure that files can be linked there.

        Raises
        ------
        BadSetting
            If that is not possible.
        """
        try:
            with open_leased_directory(self._leases) as folder:
                (folder / "one").touch()
                link(folder / "one", folder / "two")
        except OSError as error:
            raise BadSetting(
                f"the cache {self._root} can't be used: {error.strerror}",
                hint="It lies in SYNDB_DATA_DIR: choose a folder with write access and hard links.",
            ) from error

    @contextmanager
    def lease(
        self, wanted: Sequence[WantedFile], on_progress: ProgressCallback | None = None
    ) -> Iterator[Path]:
        """Bring files here and keep them; yield a folder in which they lie under their paths.

        Raises
        ------
        FatalError
            With the code ``cache_too_small`` if they don't fit, ``dataset_damaged`` if a content is wrong.
        TransientError
            If they can't be brought now, or running jobs fill the cache.
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

    def _ensure_local(self, wanted: list[WantedFile], folder: Path, gauge: _DownloadProgress) -> None:
        """Link what is here, bring what nobody brings yet, and wait for what another lease brings."""
        until = time.monotonic() + self._wait_s
        while wanted:
            try:
                mine = self._claim(wanted, folder)
            except OSError as error:
                raise _unwritable(error) from error
            if mine:
                self._download(mine, folder, gauge)
                until = time.monotonic() + self._wait_s
            wanted = [file for file in wanted if not (folder / file.path).exists()]
            if not wanted:
                break
            gauge.report()
            if mine is None and time.monotonic() > until:
                raise TransientError(
                    "running jobs fill this worker's cache of the warehouse",
                    hint="The job is tried again; an operator may raise SYNDB_CACHE_BYTES.",
                    code="store_unavailable",
                )
            time.sleep(POLL_S)

    def _claim(self, wanted: list[WantedFile], folder: Path) -> list[WantedFile] | None:
        """Link what is here and reserve room for what nobody brings; None, and no links, if there is none."""
        with lock_directory(self._root):
            with lock_directory(self._leases):
                remove_stale_directories(self._leases)
            missing = [file for file in wanted if not self._shelf.lease(file.path, file.bytes, folder)]
            coming = self._shelf.pending_downloads()
            mine = [file for file in missing if file.path not in coming]
            if not self._shelf.evict(sum(file.bytes for file in mine)):
                for file in wanted:
                    (folder / file.path).unlink(missing_ok=True)
                return None
            for file in mine:
                part = _part(folder, file)
                part.parent.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as opened:
                    opened.truncate(file.bytes)
        return mine

    def _download(self, mine: list[WantedFile], folder: Path, gauge: _DownloadProgress) -> None:
        """Bring files in threads; one that hangs is not waited for where the lease ends."""
        pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="fetch")
        running: set[Future[None]] = {pool.submit(self._one, file, folder, gauge) for file in mine}
        try:
            while running:
                done, running = wait(running, timeout=REPORT_S, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                gauge.report()
        except BaseException:
            gauge.stopped.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, file: WantedFile, folder: Path, gauge: _DownloadProgress) -> None:
        """Bring one file; a content that is not what its name says is brought a second time."""
        part = _part(folder, file)
        try:
            if not self._write_part(file, part, gauge) and not self._write_part(file, part, gauge):
                raise FatalError(
                    f"the file {file.path} of the warehouse is damaged",
                    hint="An operator has to add the dataset again (dataset add --replace).",
                    code="dataset_damaged",
                )
            with lock_directory(self._root):
                self._shelf.put(part, file.path)
                part.rename(folder / file.path)
        except OSError as error:
            raise _unwritable(error) from error

    def _write_part(self, file: WantedFile, part: Path, gauge: _DownloadProgress) -> bool:
        digest, size = hashlib.sha256(), 0
        with part.open("r+b") as opened, closing(self._fetch(file.path)) as chunks:
            for chunk in chunks:
                if gauge.stopped.is_set() or size + len(chunk) > file.bytes:
                    return False
                opened.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                gauge.add(len(chunk))
            os.fsync(opened.fileno())
        return size == file.bytes and digest.hexdigest().startswith(Path(file.path).stem)


@dataclass
class _DownloadProgress:
    """How many bytes have come, counted by the threads that bring them and told by the one that waits."""

    total: int
    on_progress: ProgressCallback | None
    come: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        """Count what came."""
        with self.lock:
            self.come += count

    def report(self) -> None:
        """Tell the one who leases."""
        if self.on_progress is not None:
            self.on_progress(min(self.come, self.total), self.total)


def _part(folder: Path, file: WantedFile) -> Path:
    return folder / f"{file.path}.part"


def _unwritable(error: OSError) -> TransientError:
    return TransientError(
        f"this worker's cache of the warehouse can't be written: {error.strerror}",
        hint="The job is tried again; an operator may have to free space.",
        code="store_unavailable",
    )
