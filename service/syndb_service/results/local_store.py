"""Results in a folder."""

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
FULL_KEPT_S: Final = 3600.0
"""How long a result that found no room counts, if nobody frees any."""
STORE_FULL: Final = "store_full"
NOTE: Final = ".full"


class LocalWriter:
    """One attempt's result while it is written; see :class:`syndb_service.results.ResultWriter`."""

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
        """Tell that a write would not wait: a disk takes it at once."""
        return True

    def finish(self) -> StoredFile:
        """Make the file durable under its key."""
        with _translate_disk_errors(self._root, self.bytes):
            self._file.flush()
            before = int(time.time()) - BEFORE_S  # so that a change in the next tick of the clock shows
            os.utime(self._file.fileno(), (before, before))
            os.fsync(self._file.fileno())
            self._part.replace(self._target)
            state = _state(os.fstat(self._file.fileno()))
            self._file.close()
            _sync(self._target.parent)
        return StoredFile(self._key, self.bytes, self._hash.hexdigest(), state.state)

    def abort(self) -> None:
        """Remove what was written; after :meth:`finish` nothing happens."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)
        _remove_empty(self._part.parent)


class LocalResultStore:
    r"""Results in a folder.

    Parameters
    ----------
    root : Path
        The folder; it is made when it is missing.

    Examples
    --------
    >>> results = LocalResultStore(Path("/srv/syndb/results"))  # doctest: +SKIP
    >>> with results.begin("6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11", attempt=1) as writer:  # doctest: +SKIP
    ...     writer.write(b"neuron_id\n")
    ...     stored = writer.finish()
    >>> stored.key  # doctest: +SKIP
    '6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11/1'
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """Make sure at start that the folder can be written.

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
                else "Set SYNDB_RESULTS_URL to another folder, or mend its permissions.",
            ) from error

    def ready(self) -> None:
        """Return if the folder can be written.

        Raises
        ------
        TransientError
            If it can't: the disk is full or away, or a result found no room on it and still would not.
        """
        with _translate_disk_errors():
            write_probe(self._root)
        self._check_free_space()

    def open_writer(self, job_id: str, attempt: int) -> LocalWriter:
        """Start writing the result of one attempt."""
        return LocalWriter(self._root, f"{job_id}/{attempt}")

    def copy(self, key: str, job_id: str, attempt: int) -> str | None:
        """Give a result a second name, or copy it where the file system knows no such; None if it is gone.

        Nobody outside the store is given a name of a file, and the store writes no file twice: two of them
        can't change each other. What damages the one damages the other, and is found in both.
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
        """Open a result for reading: whole, or from byte ``start`` up to ``stop``, clipped to its size."""
        try:
            file = self.path(key).open("rb")
        except FileNotFoundError:
            raise result_missing() from None
        except OSError as error:
            raise _unreadable(error) from error
        known = _state(os.fstat(file.fileno()))
        stop = known.bytes if stop is None else min(stop, known.bytes)
        start = min(start, stop)
        return OpenedResult(known.bytes, start, stop, _Chunks(file, start, stop), known.state)

    def state(self, key: str) -> FileState:
        """Return what the file system says of a result: whoever writes to it changes its times at least."""
        try:
            return _state((self._root / key).stat())
        except FileNotFoundError:
            raise result_missing() from None
        except OSError as error:
            raise _unreadable(error) from error

    def path(self, key: str) -> Path:
        """Return where a result lies.

        Raises
        ------
        TransientError
            If the file is not there, though a row says that it is.
        """
        path = self._root / key
        if not path.is_file():
            raise result_missing()
        return path

    def redirect(self, key: str, filename: str, media_type: str, seconds: int) -> None:
        """Tell that nobody else serves these files."""

    def delete(self, key: str) -> None:
        """Destroy a result or what is unfinished of one; nothing happens if there is none."""
        with _translate_disk_errors():
            (self._root / key).unlink(missing_ok=True)
        _remove_empty((self._root / key).parent)

    def size(self, key: str) -> int:
        """Return the bytes of a file; 0 if there is none."""
        with contextlib.suppress(OSError):
            return (self._root / key).stat().st_size
        return 0

    def listing(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each job that has files here with their keys; ``….part`` names what is unfinished."""
        for job_id in self.jobs():
            yield job_id, self.keys(job_id)

    def states(self) -> Iterator[tuple[str, FileState]]:
        """Yield the key of each whole result with what the file system says of it."""
        for job_id in self.jobs():
            for key in self.keys(job_id):
                with contextlib.suppress(NotStored):
                    if not key.endswith(".part"):
                        yield key, self.state(key)

    def jobs(self) -> Iterator[str]:
        """Yield the ids of the jobs that have files here."""
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
        """Tell that a folder destroys nothing by itself."""
        return False

    def _check_free_space(self) -> None:
        """Tell of a result that found no room, in whichever process, for an hour or until there is as much.

        What a result took is free again once its attempt has failed, so that a probe finds nothing wrong.
        """
        note = self._root / NOTE
        try:
            noted = note.stat()
            free = shutil.disk_usage(self._root).free
        except OSError:
            return
        if free >= noted.st_size or time.time() - noted.st_mtime > FULL_KEPT_S:
            note.unlink(missing_ok=True)
            return
        raise TransientError(
            f"the disk of the result store is too full ({free:,} bytes are free, and a result of more than "
            f"{noted.st_size:,} was given up)",
            code=STORE_FULL,
            hint="An operator has to free space.",
        )


def note_full(root: Path, needed: int) -> None:
    """Note how large a result had become that found no room: as the size of a file that takes none."""
    with contextlib.suppress(OSError), (root / NOTE).open("wb") as note:
        note.truncate(needed)


def _open_new_file(part: Path) -> BinaryIO:
    """Open a new file; a fenced attempt may remove the empty folder of the job again and again meanwhile."""
    for _ in range(TRIES):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            part.parent.mkdir(parents=True, exist_ok=True)
            return part.open("wb")
    return part.open("wb")


class _Chunks:
    """The bytes of an open file from ``start`` up to ``stop``; it stays readable when its name is gone."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file = file
        self._left = stop - start
        file.seek(start)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._left <= 0:
            self.close()
            raise StopIteration
        try:
            chunk = self._file.read(min(CHUNK_BYTES, self._left))
        except OSError as error:
            raise _unreadable(error) from error
        if not chunk:
            raise result_missing()
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the file."""
        self._left = 0
        self._file.close()


def _state(found: os.stat_result) -> FileState:
    told = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    return FileState(found.st_size, "-".join(map(str, told)))


def _unreadable(error: OSError) -> TransientError:
    return TransientError(
        f"the result store can't be read: {error.strerror}",
        code="store_unavailable",
        hint="Try again; an operator may have to look after the disk.",
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


class _translate_disk_errors:  # noqa: N801 (reads as a phrase: `with _disk():`)
    """Tells a full or failing disk as what it is: a store that is away for a while.

    Parameters
    ----------
    root : Path, optional
        The store, where a note is left of a result that finds no room.
    needed : int
        How large that result has become, in bytes.
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
