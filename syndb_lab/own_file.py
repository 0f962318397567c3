"""Small files of this user alone: JSON records, one a line, in pure ASCII whatever the locale."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
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
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)  # 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as fresh:
            fresh.writelines(line_of(record) for record in records)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
