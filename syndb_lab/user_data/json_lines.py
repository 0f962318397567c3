"""Small JSON files in ASCII that only this user can read; several processes may write to one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def line_of(record: Any) -> str:
    """Format a record as one line of ASCII, which no character can end early and every locale can write."""
    return json.dumps(record) + "\n"


def read_records(file: Path) -> list[Any]:
    """Read the records, oldest first, without lines that a crash cut off."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    records = []
    for line in lines:
        with suppress(ValueError, RecursionError):
            records.append(json.loads(line))
    return records


def write_records(file: Path, records: Iterable[Any]) -> None:
    """Replace a file by records, atomically.

    Raises
    ------
    OSError
        The disk is full or read-only.
    """
    write_text(file, "".join(line_of(record) for record in records))


def append_record(file: Path, record: Any) -> None:
    """Append a record; end a last line that was cut off first, so that only that line is lost.

    Raises
    ------
    OSError
        The disk is full or read-only.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(size - 1, 0))
        is_cut = size > 0 and opened.read() != b"\n"
        opened.write((("\n" if is_cut else "") + line_of(record)).encode("ascii"))


def read_object(file: Path) -> dict[str, Any]:
    """Read a file that contains one JSON object; empty if it is missing or contains anything else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_object(file: Path, content: dict[str, Any]) -> None:
    """Replace a file by one JSON object, atomically.

    Raises
    ------
    OSError
        The disk is full or read-only.
    """
    write_text(file, json.dumps(content, indent=1))


def write_text(file: Path, text: str) -> None:
    """Replace a file by a text, atomically; only this user can read it.

    Raises
    ------
    OSError
        The disk is full or read-only.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)  # 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as fresh:
            fresh.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold an exclusive lock during a block that reads, changes and writes a file.

    The lock is on a second file next to it, which stays, because the file itself is replaced.

    Raises
    ------
    OSError
        The folder can't be written.
    """
    import fcntl

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = file.with_name(f".{file.name}.lock")
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
