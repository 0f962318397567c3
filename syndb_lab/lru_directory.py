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

from syndb_lab.own_file import read_records, write_records
from syndb_lab.transfer import digest_of

PART: Final = ".part"
CHECK: Final = ".check"
RECHECK_S: Final = 7 * 86400.0
ABANDONED_S: Final = 86400.0
BEFORE_S: Final = 10


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

    def evict(self, keep: Path | None = None, incoming: int = 0) -> None:
        """Remove what expired, what killed downloads left, and over the limit what was read longest ago.

        Parameters
        ----------
        keep : Path, optional
            A file that stays.
        incoming : int
            Bytes that are to come, for which there has to be room below the limit and on the disk.
        """
        with suppress(OSError):
            files = [
                each for each in self.path.iterdir() if each.suffix not in {PART, CHECK} and each.is_file()
            ]
            self._remove_left_over(files)
            used = []
            for file in files:
                check = read_check(file)
                if check is not None and check.is_expired and file != keep:
                    self.remove(file)
                    continue
                with suppress(FileNotFoundError):
                    used.append((last_read(file), file.stat().st_size, file))
            total = sum(size for _, size, _ in used)
            lacking = incoming - shutil.disk_usage(self.path).free
            excess = max(total + incoming - self.max_bytes, lacking if lacking <= total else 0)
            for _, size, file in sorted(used):
                if excess <= 0:
                    return
                if file != keep:
                    excess -= size
                    self.remove(file)

    def _remove_left_over(self, files: list[Path]) -> None:
        names = {file.name for file in files}
        for file in self.path.iterdir():
            with suppress(OSError):
                is_alone = file.suffix == CHECK and file.stem not in names
                if (is_alone and not file.with_suffix("").exists()) or (
                    file.suffix == PART and is_abandoned(file)
                ):
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


def last_read(file: Path) -> float:
    """Say when a file was last asked for."""
    try:
        return check_file(file).stat().st_mtime
    except OSError:
        return file.stat().st_mtime
