"""Small files of this user alone, in JSON and pure ASCII; several processes may write to one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def line_of(record: Any) -> str:
    """Write one record: ASCII alone, so that no character of it ends the line or has no place in a locale."""
    return json.dumps(record) + "\n"


def read_records(file: Path) -> list[Any]:
    """Read the records, oldest first; a line that was cut off by a crash is left out."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return found


def write_records(file: Path, records: Iterable[Any]) -> None:
    """Replace a file, wholly or not at all.

    Raises
    ------
    OSError
        The disk is full or read-only.
    """
    write_text(file, "".join(line_of(record) for record in records))


def append_record(file: Path, record: Any) -> None:
    """Add a record at the end; a line before it that was cut off is ended first, and costs itself alone.

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
    """Read a file that is one JSON object; one that isn't there, or isn't that, is empty."""
    try:
        found = json.loads(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_object(file: Path, content: dict[str, Any]) -> None:
    """Replace a file that is one JSON object, wholly or not at all.

    Raises
    ------
    OSError
        The disk is full or read-only.
    """
    write_text(file, json.dumps(content, indent=1))


def write_text(file: Path, text: str) -> None:
    """Replace a file, wholly or not at all; only this user can read it.

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
    """Let one process at a time read, change and write a file.

    The lock is on a file beside it, which stays: the file itself is replaced.

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
