"""The jobs that were submitted from this computer, so that a dead kernel loses none of them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import platformdirs

KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a job, the service that has it, and what it is about."""

    job_id: str
    url: str
    created_at: str
    title: str


def journal_file() -> Path:
    """Say where the journal is: a file of this user alone."""
    return platformdirs.user_state_path("syndb-lab") / "journal.jsonl"


def note(record: dict[str, Any], url: str) -> None:
    """Write a submitted job down; a disk that is full or read-only stops no job."""
    title = record.get("label") or record.get("query") or f"graph analysis of {record.get('dataset_id')}"
    entry = Entry(
        str(record["job_id"]), url, str(record.get("created_at") or ""), " ".join(str(title).split())[:120]
    )
    file = journal_file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as journal:
            journal.write(line)
        if file.stat().st_size > 2 * KEPT * 300:
            shorten(file)


def shorten(file: Path) -> None:
    """Keep the newest entries."""
    rest = file.read_text().splitlines(keepends=True)[-KEPT:]
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(rest))
    fresh.replace(file)


def entries() -> list[Entry]:
    """Read the journal, newest first; a line that was cut off by a crash is left out."""
    try:
        lines = journal_file().read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in reversed(lines[-KEPT:]):
        with suppress(ValueError, TypeError):
            found.append(Entry(**json.loads(line)))
    return found


def written_out(start: str) -> list[Entry]:
    """Find the jobs whose id begins with a text.

    Examples
    --------
    >>> [entry.title for entry in written_out(lab.sql("SELECT 1").id)]
    ['SELECT 1']
    """
    wanted = start.strip().lower()
    return [entry for entry in entries() if len(wanted) >= 4 and entry.job_id.startswith(wanted)]
