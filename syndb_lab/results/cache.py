"""The cache of result files: each is fetched once, named by its checksum and verified at each read."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from syndb_lab.http.transport import Transport
from syndb_lab.results.cache_directory import LruDirectory, held_part
from syndb_lab.results.download import FULL, OnProgress, copy_file, download, unwritable
from syndb_lab.user_data.service_registry import iter_services
from syndb_lab.user_data.user_folders import cache_folder

__all__ = ["ResultCache", "download"]

MAX_BYTES: Final = 10 << 30
IN_PLACE_BYTES: Final = 16 << 20
"""A smaller result is copied once, and then read without a request to the service each time."""

_temporary: dict[int, Path] = {}


class ResultCache:
    """A folder of result files, named by their SHA-256, readable by this user only.

    Every read verifies that the file is unchanged; a changed file is fetched again, with a warning. If the
    folder can't be written, a temporary folder is used until the program ends.

    Parameters
    ----------
    folder : Path, optional
        The folder of the files; the user's cache folder by default.
    max_bytes : int
        Maximum total size; above it the least recently read files are evicted.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder or cache_folder() / "results"
        self.max_bytes = max_bytes

    def fetch(
        self,
        transport: Transport,
        job_id: str,
        result: dict[str, Any],
        on_progress: OnProgress | None = None,
        part: str | None = None,
        *,
        record: Mapping[str, Any] | None = None,
    ) -> Path:
        """Return a result file that is the user's own copy, from the cache or else from the service.

        Parameters
        ----------
        transport : Transport
            The connection to the job's service.
        job_id : str
            The job.
        result : dict
            ``result`` of the job's record, or one of its ``parts``.
        on_progress : callable, optional
            Called with the number of bytes that have arrived.
        part : str, optional
            The part's name.
        record : mapping, optional
            The job's record: it holds when the result expires, and which attempt wrote it.

        Returns
        -------
        Path
            A complete, read-only file with the recorded checksum. It stays until it is evicted.
        """
        expires_at = (record or {}).get("expires_at")
        found = self._find_cached(result, expires_at)
        if found is not None:
            return found
        directory = self._writable()
        target = directory.path / file_name(result)
        directory.free_space(result["bytes"])
        try:
            with held_part(target) as file:
                stored = None if part else stored_file(transport, job_id, result, record)
                if stored is None or not copy_stored(stored, file, on_progress):
                    address = address_of(job_id, part)
                    size = result["bytes"]
                    download(
                        transport, address, file, sha256=result["sha256"], size=size, on_progress=on_progress
                    )
                directory.add(file, target, expires_at)
        except OSError as error:
            raise unwritable(error, directory.path) from error
        directory.evict(keep=target)
        return target

    @contextmanager
    def open_for_reading(
        self,
        transport: Transport,
        job_id: str,
        result: dict[str, Any],
        on_progress: OnProgress | None = None,
        part: str | None = None,
        *,
        record: Mapping[str, Any] | None = None,
    ) -> Iterator[Path]:
        """Yield a path to open for reading; a large result of a local service is not copied.

        The path is removed at the end of the block; a file that was opened or mapped by then stays readable.
        The path is not for users, who could write to the service's own file through it.

        Parameters
        ----------
        transport, job_id, result, on_progress, part, record
            As in :meth:`fetch`.
        """
        cached = self._find_cached(result, (record or {}).get("expires_at"))
        is_small = result["bytes"] < IN_PLACE_BYTES
        stored = None if part or cached or is_small else stored_file(transport, job_id, result, record)
        if stored is None:
            yield cached or self.fetch(transport, job_id, result, on_progress, part, record=record)
            return
        with tempfile.TemporaryDirectory(prefix="syndb-lab-", ignore_cleanup_errors=True) as folder:
            name = Path(folder) / file_name(result)
            name.symlink_to(stored.file)
            yield name

    def work_folder(self) -> Path:
        """Return a folder for temporary files, such as those of sorting a table."""
        return self._writable().path

    def remove(self, result: Mapping[str, Any]) -> None:
        """Remove the local files of a result that the service has destroyed."""
        for part in (result, *(result.get("parts") or {}).values()):
            for directory in self._directories():
                directory.remove(directory.path / file_name(part))
        for directory in self._directories():
            directory.evict()

    def _find_cached(self, result: Mapping[str, Any], expires_at: str | None) -> Path | None:
        for directory in self._directories():
            file = directory.path / file_name(result)
            with suppress(OSError):
                if not directory.has(file):
                    continue
                if directory.is_intact(file, result["sha256"], result["bytes"], expires_at):
                    return file
                warnings.warn(
                    f"the copy of this result was changed after it was fetched ({file}); it is fetched again",
                    stacklevel=2,
                )
                directory.remove(file)
        return None

    def _directories(self) -> Iterator[LruDirectory]:
        yield LruDirectory(self.folder, self.max_bytes)
        if os.getpid() in _temporary:
            yield LruDirectory(_temporary[os.getpid()], self.max_bytes)

    def _writable(self) -> LruDirectory:
        """Return the folder, or a temporary one if it can't be written.

        Raises
        ------
        SyndbError
            The disk is full, or no folder can be written.
        """
        directory = LruDirectory(self.folder, self.max_bytes)
        try:
            directory.prepare()
        except OSError as error:
            if error.errno in FULL:
                raise unwritable(error, self.folder) from error
            return LruDirectory(temporary_folder(self.folder, error), self.max_bytes)
        return directory


def temporary_folder(instead_of: Path, error: OSError) -> Path:
    """Return this process's temporary folder of results; it is removed when the process ends.

    Raises
    ------
    SyndbError
        No temporary folder can be made either.
    """
    me = os.getpid()
    if me not in _temporary:
        try:
            _temporary[me] = Path(tempfile.mkdtemp(prefix="syndb-lab-"))
        except OSError:
            raise unwritable(error, instead_of) from error
        atexit.register(remove_own_folder, me)
        warnings.warn(
            f"results can't be kept in {instead_of} ({error.strerror}): until this program ends they are in "
            f"{_temporary[me]}. Set XDG_CACHE_HOME to a folder that can be written to keep them longer.",
            stacklevel=2,
        )
    return _temporary[me]


def remove_own_folder(process: int) -> None:
    """Remove the temporary folder, but only in the process that made it, not in a forked child."""
    if os.getpid() == process and process in _temporary:
        shutil.rmtree(_temporary.pop(process), ignore_errors=True)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the folder of a service, with its stat from before the request to the service."""

    file: Path
    before: os.stat_result


def file_name(result: Mapping[str, Any]) -> str:
    """Return the file name of a result."""
    return f"{result['sha256']}.{result['format']}"


def address_of(job_id: str, part: str | None) -> str:
    """Return the path of a result, or of a part of it, on the service."""
    return f"/v1/jobs/{job_id}/result" + (f"?part={part}" if part else "")


def stored_file(
    transport: Transport, job_id: str, result: Mapping[str, Any], record: Mapping[str, Any] | None
) -> StoredFile | None:
    """Find the file of a result in the folder of the user's own service; None if there is none.

    It is the file of the attempt in the record. A HEAD request is still sent: the service checks access, and
    that the file is the one that it wrote.
    """
    attempt = (record or {}).get("attempt")
    if result.get("parts") or attempt is None:
        return None
    for _, service in iter_services():
        file = Path(service.results) / job_id / str(attempt)
        with suppress(OSError):
            before = file.stat()
            if (
                service.url == transport.url
                and before.st_size == result["bytes"]
                and os.access(file, os.R_OK)
                and transport.etag(address_of(job_id, None)) == result["sha256"]
            ):
                return StoredFile(file, before)
    return None


def copy_stored(stored: StoredFile, target: Path, on_progress: OnProgress | None) -> bool:
    """Copy the file of a local service; return False if the file was changed meanwhile.

    The service has just verified the file. The copy is equal to it if the file's state is unchanged from
    before that request until the copy was complete, so it is not hashed again.
    """
    try:
        after = copy_file(stored.file, target, on_progress)
    except FileNotFoundError:
        return False
    return _file_state(after) == _file_state(stored.before) and target.stat().st_size == after.st_size


def _file_state(state: os.stat_result) -> tuple[int, ...]:
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino
