"""An LRU directory: verified files below a size limit; it evicts the least recently read, detects changes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from syndb_lab.results.download import digest_of
from syndb_lab.user_data.json_lines import read_records, write_records

PART: Final = ".part"
CHECK: Final = ".check"
RECHECK_S: Final = 7 * 86400.0
ABANDONED_S: Final = 86400.0
BEFORE_S: Final = 10
EXPIRY_S: Final = 600.0

_next_expiry: Final[dict[Path, float]] = {}


@dataclass(frozen=True, slots=True)
class Check:
    """The state of a file when its checksum was last verified, and when its result expires.

    Parameters
    ----------
    size, mtime_ns, ctime_ns, inode : int
        From the file system; a write to the file changes at least one of them.
    checked_at : float
        Time of the verification, in seconds since 1970.
    expires_at : str, optional
        When the service destroys the result, in ISO 8601.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    checked_at: float
    expires_at: str | None = None

    @classmethod
    def of(cls, state: os.stat_result, expires_at: str | None) -> Self:
        """Build a check from the state of a file, verified now."""
        return cls(state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, time.time(), expires_at)

    def holds(self, state: os.stat_result) -> bool:
        """Whether the file is unchanged and was verified within the last ``RECHECK_S`` seconds."""
        same = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        is_fresh = 0 <= time.time() - self.checked_at < RECHECK_S
        return is_fresh and same == (self.size, self.mtime_ns, self.ctime_ns, self.inode)

    @property
    def is_expired(self) -> bool:
        """Whether the time is over at which the service destroys the result."""
        try:
            expiry = datetime.fromisoformat(self.expires_at or "")
        except (TypeError, ValueError):
            return False
        return expiry.astimezone(UTC) < datetime.now(UTC)


class LruDirectory:
    """A folder of files named by their SHA-256, readable by this user alone, with a total size limit.

    The state of each file at its last hash is stored next to it (``….check``). A file with the same state is
    not hashed again for a week. This detects files that were written, truncated or replaced. It does not
    detect a bit error of the disk, which the next hash does, nor a write that bypasses the file system or
    resets the clock.

    A file that is removed while it is open or mapped into memory stays readable there.

    Parameters
    ----------
    path : Path
        The folder; it is made at the first write.
    max_bytes : int
        Maximum total size; above it the least recently read files are evicted.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.max_bytes = max_bytes

    def prepare(self) -> None:
        """Make the folder, and verify that it can be written.

        Raises
        ------
        OSError
            The folder can't be made or written.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.path):
            return

    def has(self, file: Path) -> bool:
        """Whether the file exists and has one name only: through a second name others could write to it."""
        with suppress(OSError):
            return file.is_file() and file.stat().st_nlink == 1
        return False

    def is_intact(self, file: Path, sha256: str, size: int, expires_at: str | None = None) -> bool:
        """Whether a file is unchanged since it was added: by its state, or else by its hash."""
        state = file.stat()
        if state.st_size != size:
            return False
        check = read_check(file)
        if check is None or not check.holds(state):
            if digest_of(file) != sha256:
                return False
            self._note(file, state, expires_at)
        elif expires_at is not None and expires_at != check.expires_at:
            self._note(file, state, expires_at)
        else:
            with suppress(OSError):
                os.utime(check_file(file))
        return True

    def add(self, part: Path, file: Path, expires_at: str | None = None) -> None:
        """Rename a verified file to its final name, and make it read-only."""
        before = int(time.time()) - BEFORE_S  # so that a change within the same clock tick shows
        os.utime(part, (before, before))
        part.chmod(0o400)
        with part.open("rb") as added:
            part.replace(file)
            self._note(
                file, os.fstat(added.fileno()), expires_at
            )  # another process may have removed the name

    def remove(self, file: Path) -> None:
        """Remove a file with its check; programs that have it open can still read it."""
        with suppress(OSError):
            file.unlink(missing_ok=True)
            check_file(file).unlink(missing_ok=True)

    def evict(self, keep: Path | None = None) -> None:
        """Remove expired files, remains of killed downloads, and, above the limit, the least recently read.

        Parameters
        ----------
        keep : Path, optional
            A file that is not removed.
        """
        with suppress(OSError):
            states = self._states()
            self._remove_left_over(states)
            if time.monotonic() >= _next_expiry.get(self.path, 0.0):
                _next_expiry[self.path] = time.monotonic() + EXPIRY_S
                self._remove_expired(states, keep)
            used = last_reads(states)
            self._shrink(used, sum(size for _, size, _ in used) - self.max_bytes, keep)

    def free_space(self, incoming: int) -> None:
        """Evict the least recently read files until ``incoming`` bytes are free, if that is possible."""
        with suppress(OSError):
            lacking = incoming - shutil.disk_usage(self.path).free
            used = last_reads(self._states()) if lacking > 0 else []
            if lacking <= sum(size for _, size, _ in used):
                self._shrink(used, lacking, None)

    def _shrink(self, used: list[tuple[float, int, str]], excess: int, keep: Path | None) -> None:
        for _, size, name in sorted(used):
            if excess <= 0:
                return
            if keep is None or name != keep.name:
                excess -= size
                self.remove(self.path / name)

    def _states(self) -> dict[str, os.stat_result]:
        found = {}
        for entry in os.scandir(self.path):
            with suppress(FileNotFoundError):
                if entry.is_file():
                    found[entry.name] = entry.stat()
        return found

    def _remove_expired(self, states: dict[str, os.stat_result], keep: Path | None) -> None:
        for file in [self.path / name for name in states if name + CHECK in states]:
            check = read_check(file)
            if check is not None and check.is_expired and file != keep:
                self.remove(file)
                del states[file.name]

    def _remove_left_over(self, states: dict[str, os.stat_result]) -> None:
        for name in states:
            is_part, is_check = name.endswith(PART), name.endswith(CHECK)
            if not is_part and not (is_check and name.removesuffix(CHECK) not in states):
                continue
            file = self.path / name
            with suppress(OSError):
                if is_abandoned(file) if is_part else not file.with_suffix("").exists():
                    file.unlink()

    def _note(self, file: Path, state: os.stat_result, expires_at: str | None) -> None:
        """Store the check of a file; if that fails, the file is hashed at the next read."""
        with suppress(OSError):
            write_records(check_file(file), [asdict(Check.of(state, expires_at))])


@contextmanager
def held_part(file: Path) -> Iterator[Path]:
    """Yield a locked temporary file to write to; it is removed at the end of the block.

    The lock shows other processes that it is in use: without it, the file is left over from a killed process.
    """
    part, held = locked_part(file)
    try:
        with held:
            yield part
    finally:
        part.unlink(missing_ok=True)


def locked_part(file: Path) -> tuple[Path, BinaryIO]:
    """Make an empty locked file with a unique name; try again if another process removed it as abandoned."""
    while True:
        part = file.with_suffix(f".{uuid.uuid4()}{PART}")
        held = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "rb")
        lock(held.fileno(), shared=True)
        if part.exists():
            return part, held
        held.close()


def is_abandoned(part: Path) -> bool:
    """Whether the process that wrote a part has exited, or has not written to it for ``ABANDONED_S``."""
    if time.time() - part.stat().st_mtime > ABANDONED_S:
        return True
    with part.open("rb") as file:
        return lock(file.fileno(), shared=False)


def lock(descriptor: int, *, shared: bool) -> bool:
    """Lock a file until it is closed; False if another process holds the lock or there are no locks."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_file(file: Path) -> Path:
    """Return the path of the check of a file."""
    return file.with_name(file.name + CHECK)


def read_check(file: Path) -> Check | None:
    """Read the check of a file; None if it is missing or damaged."""
    records: list[Any] = read_records(check_file(file))
    with suppress(TypeError, ValueError):
        check = Check(**records[0]) if records else None
        return check and replace(check, checked_at=float(check.checked_at))
    return None


def last_reads(states: dict[str, os.stat_result]) -> list[tuple[float, int, str]]:
    """List the files of a folder: the time of the last read, the size and the name of each."""
    return [
        (states.get(name + CHECK, state).st_mtime, state.st_size, name)
        for name, state in states.items()
        if not name.endswith((PART, CHECK))
    ]
