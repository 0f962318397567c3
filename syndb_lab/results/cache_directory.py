"""A folder of checked files below a limit: the one read longest ago goes first, a changed one is noticed."""

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
    """What a file looked like when its checksum was last found right, and until when its result is there.

    Parameters
    ----------
    size, mtime_ns, ctime_ns, inode : int
        As the file system tells them: whoever writes to a file changes at least one of them.
    checked_at : float
        When, in seconds since 1970.
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
        """Take down a file's state now."""
        return cls(state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, time.time(), expires_at)

    def holds(self, state: os.stat_result) -> bool:
        """Whether the file is as it was, and was hashed not too long ago."""
        same = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        is_fresh = 0 <= time.time() - self.checked_at < RECHECK_S
        return is_fresh and same == (self.size, self.mtime_ns, self.ctime_ns, self.inode)

    @property
    def is_expired(self) -> bool:
        """Whether the service has destroyed the result by now."""
        try:
            until = datetime.fromisoformat(self.expires_at or "")
        except (TypeError, ValueError):
            return False
        return until.astimezone(UTC) < datetime.now(UTC)


class LruDirectory:
    """A folder of files that are named by their SHA-256, readable by this user alone, and below a limit.

    Beside each file lies what it looked like when it was hashed (``….check``). A file that looks so still is
    taken without hashing it again, for a week. That notices whatever is written, cut or put in its place; it
    does not notice a bit that the disk itself turns, which the hash of the next week does, nor somebody who
    writes to the disk past the file system, or turns the clock back for it.

    A file that is removed while it is mapped into memory or open stays readable for whoever has it.

    Parameters
    ----------
    path : Path
        The folder; it is made when something is written to it.
    max_bytes : int
        The files read longest ago are removed above this total.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.max_bytes = max_bytes

    def prepare(self) -> None:
        """Make the folder, and make sure that it can be written.

        Raises
        ------
        OSError
            It can't be.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.path):
            return

    def has(self, file: Path) -> bool:
        """Whether there is such a file that is nobody else's: with a second name, others may write to it."""
        with suppress(OSError):
            return file.is_file() and file.stat().st_nlink == 1
        return False

    def is_intact(self, file: Path, sha256: str, size: int, expires_at: str | None = None) -> bool:
        """Whether a file is what it was when it was added; a look at its state tells, or else its hash."""
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
        """Give a file whose bytes were hashed its name, and let nobody write to it by accident."""
        before = int(time.time()) - BEFORE_S  # so that a change in the next tick of the clock shows
        os.utime(part, (before, before))
        part.chmod(0o400)
        with part.open("rb") as added:
            part.replace(file)
            self._note(file, os.fstat(added.fileno()), expires_at)  # others may have removed the name by now

    def remove(self, file: Path) -> None:
        """Remove a file; whoever reads it reads on."""
        with suppress(OSError):
            file.unlink(missing_ok=True)
            check_file(file).unlink(missing_ok=True)

    def evict(self, keep: Path | None = None) -> None:
        """Remove what expired, what killed downloads left, and over the limit what was read longest ago.

        Parameters
        ----------
        keep : Path, optional
            A file that stays.
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
        """Remove what was read longest ago where the disk has no room for so many bytes, if that will do."""
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
        """Write a check down; where that can't be, the file is hashed again the next time."""
        with suppress(OSError):
            write_records(check_file(file), [asdict(Check.of(state, expires_at))])


@contextmanager
def held_part(file: Path) -> Iterator[Path]:
    """Name a file to write to before the real name is taken; it is gone afterwards.

    It is locked meanwhile, so that others know it for abandoned when this process was killed.
    """
    part, held = locked_part(file)
    try:
        with held:
            yield part
    finally:
        part.unlink(missing_ok=True)


def locked_part(file: Path) -> tuple[Path, BinaryIO]:
    """Make an empty file with a name of its own, locked; one that was taken for abandoned is made again."""
    while True:
        part = file.with_suffix(f".{uuid.uuid4()}{PART}")
        held = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "rb")
        lock(held.fileno(), shared=True)
        if part.exists():
            return part, held
        held.close()


def is_abandoned(part: Path) -> bool:
    """Whether whoever wrote a part is gone, or has not written to it for a day."""
    if time.time() - part.stat().st_mtime > ABANDONED_S:
        return True
    with part.open("rb") as file:
        return lock(file.fileno(), shared=False)


def lock(descriptor: int, *, shared: bool) -> bool:
    """Lock an open file for as long as it is open; False where another has it, or the file system can't."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_file(file: Path) -> Path:
    """Say where the check of a file lies."""
    return file.with_name(file.name + CHECK)


def read_check(file: Path) -> Check | None:
    """Read the check of a file; one that is missing or damaged is none."""
    records: list[Any] = read_records(check_file(file))
    with suppress(TypeError, ValueError):
        check = Check(**records[0]) if records else None
        return check and replace(check, checked_at=float(check.checked_at))
    return None


def last_reads(states: dict[str, os.stat_result]) -> list[tuple[float, int, str]]:
    """List the files of a folder: when each was last asked for, its size, its name."""
    return [
        (states.get(name + CHECK, state).st_mtime, state.st_size, name)
        for name, state in states.items()
        if not name.endswith((PART, CHECK))
    ]
