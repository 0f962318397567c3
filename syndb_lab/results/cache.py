"""Results as files: fetched once, checked at each read, kept by their checksum."""

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
from syndb_lab.results.download import FULL, Tell, copy_file, download, unwritable
from syndb_lab.user_data.service_registry import iter_services
from syndb_lab.user_data.user_folders import cache_folder

__all__ = ["ResultCache", "download"]

KEPT_BYTES: Final = 10 << 30
IN_PLACE_BYTES: Final = 16 << 20
"""A smaller result is copied in no time, and then read without asking its service each time."""

_temporary: dict[int, Path] = {}


class ResultCache:
    """A folder of result files, named by their SHA-256, readable by this user only.

    Every read looks whether a file is still what was fetched; one that was changed is fetched again, with a
    warning. Where the folder can't be written, a temporary one is used until this program ends.

    Parameters
    ----------
    folder : Path, optional
        Where the files are; the user's cache folder by default.
    kept_bytes : int
        The files read longest ago are removed above this total.
    """

    def __init__(self, folder: Path | None = None, *, kept_bytes: int = KEPT_BYTES) -> None:
        self.folder = folder or cache_folder() / "results"
        self.kept_bytes = kept_bytes

    def fetch(
        self,
        transport: Transport,
        job_id: str,
        result: dict[str, Any],
        tell: Tell | None = None,
        part: str | None = None,
        *,
        record: Mapping[str, Any] | None = None,
    ) -> Path:
        """Give a file of a completed job that is this user's own, from the folder or else from the service.

        Parameters
        ----------
        transport : Transport
            The connection to the job's service.
        job_id : str
            The job.
        result : dict
            ``result`` of the job's record, or one of its ``parts``.
        tell : callable, optional
            Told how many bytes are here, while they come.
        part : str, optional
            The part's name.
        record : mapping, optional
            The job's record: until when its result is there, and which attempt has made it.

        Returns
        -------
        Path
            A whole file with the recorded checksum, which is read-only. It stays until others need its room.
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
                if stored is None or not copy_stored(stored, file, tell):
                    address = address_of(job_id, part)
                    size = result["bytes"]
                    download(transport, address, file, sha256=result["sha256"], size=size, tell=tell)
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
        tell: Tell | None = None,
        part: str | None = None,
        *,
        record: Mapping[str, Any] | None = None,
    ) -> Iterator[Path]:
        """Give a file to open at once and only to read: a large result on this computer without a copy.

        The name is gone at the end of the block; what was opened or mapped by then stays readable. It is no
        name for users, who could write to the service's own file by it.

        Parameters
        ----------
        transport, job_id, result, tell, part, record
            As in :meth:`fetch`.
        """
        cached = self._find_cached(result, (record or {}).get("expires_at"))
        is_small = result["bytes"] < IN_PLACE_BYTES
        stored = None if part or cached or is_small else stored_file(transport, job_id, result, record)
        if stored is None:
            yield cached or self.fetch(transport, job_id, result, tell, part, record=record)
            return
        with tempfile.TemporaryDirectory(prefix="syndb-lab-", ignore_cleanup_errors=True) as folder:
            name = Path(folder) / file_name(result)
            name.symlink_to(stored.file)
            yield name

    def work_folder(self) -> Path:
        """Give the folder, in which files may be written on the way to a sorted table."""
        return self._writable().path

    def remove(self, result: Mapping[str, Any]) -> None:
        """Remove what is here of a result that its service has destroyed."""
        for one in (result, *(result.get("parts") or {}).values()):
            for directory in self._directories():
                directory.remove(directory.path / file_name(one))
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
        yield LruDirectory(self.folder, self.kept_bytes)
        if os.getpid() in _temporary:
            yield LruDirectory(_temporary[os.getpid()], self.kept_bytes)

    def _writable(self) -> LruDirectory:
        """Give the folder, or a temporary one where it can't be written.

        Raises
        ------
        SyndbError
            The disk is full, or there is no folder that can be written.
        """
        directory = LruDirectory(self.folder, self.kept_bytes)
        try:
            directory.prepare()
        except OSError as error:
            if error.errno in FULL:
                raise unwritable(error, self.folder) from error
            return LruDirectory(temporary_folder(self.folder, error), self.kept_bytes)
        return directory


def temporary_folder(instead_of: Path, error: OSError) -> Path:
    """Give this process's temporary folder of results; it is removed when the process ends.

    Raises
    ------
    SyndbError
        There is no place for temporary files either.
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
    """Remove the temporary folder of this process, and not the one of the process that it was forked from."""
    if os.getpid() == process and process in _temporary:
        shutil.rmtree(_temporary.pop(process), ignore_errors=True)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the folder of a service, and what the file system said of it before the service was asked."""

    file: Path
    before: os.stat_result


def file_name(result: Mapping[str, Any]) -> str:
    """Name a result's file."""
    return f"{result['sha256']}.{result['format']}"


def address_of(job_id: str, part: str | None) -> str:
    """Say where a service gives a result, or a part of it."""
    return f"/v1/jobs/{job_id}/result" + (f"?part={part}" if part else "")


def stored_file(
    transport: Transport, job_id: str, result: Mapping[str, Any], record: Mapping[str, Any] | None
) -> StoredFile | None:
    """Find the file of a result in the folder of this user's own service; None if it isn't there.

    It is the file of the attempt that the record names. The service is asked for its head all the same: it
    says who may have it, and looks whether the file is what it wrote.
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


def copy_stored(stored: StoredFile, target: Path, tell: Tell | None) -> bool:
    """Copy the file of a service on this computer; False if somebody has changed it meanwhile.

    The service has just said that its file is what it wrote. The copy holds that where nobody has written to
    the file from before the service was asked until all was copied: so it need not be hashed again.
    """
    try:
        after = copy_file(stored.file, target, tell)
    except FileNotFoundError:
        return False
    return _moments(after) == _moments(stored.before) and target.stat().st_size == after.st_size


def _moments(state: os.stat_result) -> tuple[int, ...]:
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino
