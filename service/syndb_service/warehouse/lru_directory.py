"""The files of a cache: taking, putting, and making room. The caller holds the cache's lock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from syndb_service.warehouse.shared_directory import link


class LruDirectory:
    """Files that lie in a cache, oldest use first to go.

    Parameters
    ----------
    files : Path
        Folder of what is here.
    leases : Path
        Folder of the leases; a file that has a second name there stays.
    max_bytes : int
        What both may hold together, in bytes.
    """

    def __init__(self, files: Path, leases: Path, max_bytes: int) -> None:
        self._files = files
        self._leases = leases
        self._max_bytes = max_bytes

    def lease(self, path: str, size: int, folder: Path) -> bool:
        """Give a file a second name in a lease's folder; tell whether it was here, whole."""
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
        """Keep a file that was brought; it stays where it is too."""
        with contextlib.suppress(FileExistsError):
            link(file, self._files / path)

    def pending_downloads(self) -> set[str]:
        """Return the paths that living leases are bringing."""
        return {
            part.relative_to(self._leases).as_posix().partition("/")[2].removesuffix(".part")
            for part, _ in _files(self._leases, ".part")
        }

    def evict(self, size: int) -> bool:
        """Evict what was not used for longest, until ``size`` more bytes fit; tell whether they do.

        Nothing is evicted where that would not do.
        """
        states = list(_files(self._files, ".parquet"))
        used = sum(state.st_size for _, state in [*states, *_files(self._leases, ".part")])
        free = [(path, state) for path, state in states if state.st_nlink == 1]
        excess = used + size - self._max_bytes
        if excess > sum(state.st_size for _, state in free):
            return False
        for path, state in sorted(free, key=lambda each: each[1].st_mtime_ns):
            if excess <= 0:
                break
            path.unlink()
            excess -= state.st_size
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        return True


def _files(folder: Path, suffix: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files below a folder with their states; leases may end and vanish meanwhile."""
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(suffix):
                path = Path(parent, name)
                with contextlib.suppress(FileNotFoundError):
                    yield path, path.stat()
