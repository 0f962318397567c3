"""The LRU directory: the files of a cache and their eviction. The caller holds the lock of the cache."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from syndb_service.warehouse.shared_directory import link


class LruDirectory:
    """Cached files, of which the least recently used are evicted first.

    Parameters
    ----------
    files : Path
        Folder of the cached files.
    leases : Path
        Folder of the leases; a file that is linked there is not evicted.
    max_bytes : int
        Maximum size of both together, in bytes.
    """

    def __init__(self, files: Path, leases: Path, max_bytes: int) -> None:
        self._files = files
        self._leases = leases
        self._max_bytes = max_bytes

    def lease(self, path: str, size: int, folder: Path) -> bool:
        """Link a file into the folder of a lease; return whether it is cached, at this size."""
        source = self._files / path
        try:
            if source.stat().st_size != size:
                source.unlink()
                return False
            os.utime(source)
            link(source, folder / path)
        except FileExistsError:
            return True
        except FileNotFoundError:
            return False
        return True

    def put(self, file: Path, path: str) -> None:
        """Add a downloaded file to the cache by a hard link."""
        with contextlib.suppress(FileExistsError):
            link(file, self._files / path)

    def pending_downloads(self) -> set[str]:
        """Return the paths that open leases are downloading."""
        return {
            part.relative_to(self._leases).as_posix().partition("/")[2].removesuffix(".part")
            for part, _ in _files(self._leases, ".part")
        }

    def evict(self, size: int) -> bool:
        """Evict the least recently used files until ``size`` more bytes fit; return whether they fit.

        Nothing is evicted if that would not be enough.
        """
        states = list(_files(self._files, ".parquet"))
        used = sum(state.st_size for _, state in [*states, *_files(self._leases, ".part")])
        free = [(path, state) for path, state in states if state.st_nlink == 1]
        excess = used + size - self._max_bytes
        if excess > sum(state.st_size for _, state in free):
            return False
        for path, state in sorted(free, key=lambda file: file[1].st_mtime_ns):
            if excess <= 0:
                break
            path.unlink()
            excess -= state.st_size
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        return True


def _files(folder: Path, suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files below a folder with their states; skip files that are deleted at the same time."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(suffix):
                path = Path(parent, name)
                with contextlib.suppress(FileNotFoundError):
                    yield path, path.stat()
