"""The result store in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from syndb_service.errors import BadSetting, NotStored, TransientError
from syndb_service.results.base import FileState, OpenedResult, StoredFile, result_missing
from syndb_service.runtime.disk_probe import is_full, write_probe

CHUNK_BYTES: Final = 1024**2
TRIES: Final = 1000
BEFORE_S: Final = 10
FULL_REPORTED_S: Final = 3600.0
"""Seconds for which a result that did not fit makes the store not ready, unless space is freed."""
STORE_FULL: Final = "store_full"
NOTE: Final = ".full"


class LocalWriter:
    """A writer of the result of one attempt; see :class:`syndb_service.results.ResultWriter`."""

    def __init__(self, root: Path, key: str) -> None:
        self._root = root
        self._target = root / key
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._key = key
        self._hash = hashlib.sha256()
        self.bytes = 0
        with _translate_disk_errors():
            self._file = _open_new_file(self._part)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def write(self, data: bytes | memoryview) -> None:
        """Append ``data``."""
        with _translate_disk_errors(self._root, self.bytes + len(data)):
            self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)

    def wait_writable(self, wait_s: float) -> bool:
        """Return True: writes to a disk do not block."""
        return True

    def finish(self) -> StoredFile:
        """Make the file durable under its key."""
        with _translate_disk_errors(self._root, self.bytes):
            self._file.flush()
            before = int(time.time()) - BEFORE_S  # a later change is visible even within one clock tick
            os.utime(self._file.fileno(), (before, before))
            os.fsync(self._file.fileno())
            self._part.replace(self._target)
            state = _state(os.fstat(self._file.fileno()))
            self._file.close()
            _sync(self._target.parent)
        return StoredFile(self._key, self.bytes, self._hash.hexdigest(), state.state)

    def abort(self) -> None:
        """Remove the written data; do nothing after :meth:`finish`."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)
        _remove_empty(self._part.parent)


class LocalResultStore:
    r"""A result store in a folder.

    Parameters
    ----------
    root : Path
        The folder; it is created if it is missing.

    Examples
    --------
    >>> results = LocalResultStore(Path("/srv/syndb/results"))  # doctest: +SKIP
    >>> with results.open_writer("6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11", 1) as writer:  # doctest: +SKIP
    ...     writer.write(b"neuron_id\n")
    ...     stored = writer.finish()
    >>> stored.key  # doctest: +SKIP
    '6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11/1'
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """Require at start that the folder can be written.

        Raises
        ------
        BadSetting
            If it can't.
        """
        try:
            write_probe(self._root)
        except OSError as error:
            raise BadSetting(
                f"the result store {self._root} can't be written: {error.strerror}",
                hint="Free space there, or set SYNDB_RESULTS_URL to another folder."
                if is_full(error)
                else "Set SYNDB_RESULTS_URL to another folder, or correct its permissions.",
            ) from error

    def ready(self) -> None:
        """Require that the folder can be written.

        Raises
        ------
        TransientError
            If the disk is full or unavailable, or a result did not fit and still would not.
        """
        with _translate_disk_errors():
            write_probe(self._root)
        self._check_free_space()

    def open_writer(self, job_id: str, attempt: int) -> LocalWriter:
        """Open a writer for the result of one attempt."""
        return LocalWriter(self._root, f"{job_id}/{attempt}")

    def copy(self, key: str, job_id: str, attempt: int) -> str | None:
        """Link a result under another key, or copy it without hard links; return None if it is missing.

        No process outside the store gets a path, and the store writes each file once, so that two links can't
        change each other. Damage affects both, and is detected in both.
        """
        copied = f"{job_id}/{attempt}"
        source, target = self._root / key, self._root / copied
        try:
            with _translate_disk_errors():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                try:
                    target.hardlink_to(source)
                except FileNotFoundError:
                    raise
                except OSError:
                    part = target.with_name(f"{target.name}.part")
                    shutil.copyfile(source, part)
                    part.replace(target)
                _sync(target.parent)
        except TransientError as error:
            _remove_empty(target.parent)
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        return copied

    def open(self, key: str, start: int = 0, stop: int | None = None) -> OpenedResult:
        """Open a result for reading, or its bytes from ``start`` up to ``stop``, clipped to its size."""
        try:
            file = self.path(key).open("rb")
        except FileNotFoundError:
            raise result_missing() from None
        except OSError as error:
            raise _unreadable(error) from error
        state = _state(os.fstat(file.fileno()))
        stop = state.bytes if stop is None else min(stop, state.bytes)
        start = min(start, stop)
        return OpenedResult(state.bytes, start, stop, _Chunks(file, start, stop), state.state)

    def state(self, key: str) -> FileState:
        """Return the state of a result file; any write changes at least its times."""
        try:
            return _state((self._root / key).stat())
        except FileNotFoundError:
            raise result_missing() from None
        except OSError as error:
            raise _unreadable(error) from error

    def path(self, key: str) -> Path:
        """Return the path of a result.

        Raises
        ------
        TransientError
            If the file of a row is missing.
        """
        path = self._root / key
        if not path.is_file():
            raise result_missing()
        return path

    def redirect(self, key: str, filename: str, media_type: str, seconds: int) -> None:
        """Return None: only the service serves these files."""

    def delete(self, key: str) -> None:
        """Delete a result, or the unfinished data of one, if it exists."""
        with _translate_disk_errors():
            (self._root / key).unlink(missing_ok=True)
        _remove_empty((self._root / key).parent)

    def size(self, key: str) -> int:
        """Return the bytes of a file; 0 if there is none."""
        with contextlib.suppress(OSError):
            return (self._root / key).stat().st_size
        return 0

    def listing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each job that has files with their keys; ``….part`` names unfinished ones."""
        for job_id in self.jobs():
            yield job_id, self.keys(job_id)

    def states(self) -> Iterator[tuple[str, FileState]]:
        """Yield the key and the state of each complete result."""
        for job_id in self.jobs():
            for key in self.keys(job_id):
                with contextlib.suppress(NotStored):
                    if not key.endswith(".part"):
                        yield key, self.state(key)

    def jobs(self) -> Iterator[str]:
        """Yield the ids of the jobs that have files."""
        for folder in self._root.iterdir():
            if folder.is_dir():
                yield folder.name

    def keys(self, job_id: str) -> list[str]:
        """Return the keys of one job's files, unfinished ones included."""
        try:
            return [f"{job_id}/{file.name}" for file in (self._root / job_id).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def ensure_lifecycle(self, max_ttl_hours: float) -> bool:
        """Return False: a folder deletes nothing by itself."""
        return False

    def _check_free_space(self) -> None:
        """Raise for an hour after a result of any process did not fit, or until as much space is free.

        The space of that result is free again once its attempt has failed, so a probe alone finds no fault.
        """
        note = self._root / NOTE
        try:
            noted = note.stat()
            free = shutil.disk_usage(self._root).free
        except OSError:
            return
        if free >= noted.st_size or time.time() - noted.st_mtime > FULL_REPORTED_S:
            note.unlink(missing_ok=True)
            return
        raise TransientError(
            f"the disk of the result store is too full ({free:,} bytes are free, and a result of more than "
            f"{noted.st_size:,} was given up)",
            code=STORE_FULL,
            hint="An operator has to free space.",
        )


def note_full(root: Path, needed: int) -> None:
    """Record the size of a result that did not fit, as the size of a sparse file that needs no space."""
    with contextlib.suppress(OSError), (root / NOTE).open("wb") as note:
        note.truncate(needed)


def _open_new_file(part: Path) -> BinaryIO:
    """Open a new file; retry if a fenced attempt removes the empty folder of the job at the same time."""
    for _ in range(TRIES):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            part.parent.mkdir(parents=True, exist_ok=True)
            return part.open("wb")
    return part.open("wb")


class _Chunks:
    """The bytes of an open file from ``start`` up to ``stop``; readable even after the file is deleted."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file = file
        self._remaining = stop - start
        file.seek(start)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._remaining <= 0:
            self.close()
            raise StopIteration
        try:
            chunk = self._file.read(min(CHUNK_BYTES, self._remaining))
        except OSError as error:
            raise _unreadable(error) from error
        if not chunk:
            raise result_missing()
        self._remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._remaining = 0
        self._file.close()


def _state(stat: os.stat_result) -> FileState:
    values = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return FileState(stat.st_size, "-".join(map(str, values)))


def _unreadable(error: OSError) -> TransientError:
    return TransientError(
        f"the result store can't be read: {error.strerror}",
        code="store_unavailable",
        hint="Try again; an operator may have to check the disk.",
    )


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


class _translate_disk_errors:  # noqa: N801 (used as a function)
    """Translate disk errors (full, I/O) to `TransientError`: the store is temporarily unavailable.

    Parameters
    ----------
    root : Path, optional
        Folder of the store; the size of a result that does not fit is recorded there.
    needed : int
        Size of that result so far, in bytes.
    """

    def __init__(self, root: Path | None = None, needed: int = 0) -> None:
        self._root = root
        self._needed = needed

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if is_full(error):
            if self._root is not None:
                note_full(self._root, self._needed)
            raise TransientError(
                "the disk of the result store is full",
                code=STORE_FULL,
                hint="The job is tried again; an operator has to free space.",
            ) from error
        if isinstance(error, OSError):
            raise TransientError(
                f"the result store can't be written ({os.strerror(error.errno or 0).lower()})",
                code="store_unavailable",
                hint="The job is tried again; an operator has to look at its folder.",
            ) from error
