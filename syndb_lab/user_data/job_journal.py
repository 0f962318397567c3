"""The jobs that were submitted from this computer, so that a dead kernel loses none of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from syndb_lab.user_data.json_lines import append_record, exclusive, read_records, write_records
from syndb_lab.user_data.user_folders import state_folder

KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line: a job, the service that has it, and what it is about."""

    job_id: str
    url: str
    created_at: str
    title: str


def journal_file() -> Path:
    """Say where the journal is: a file of this user alone."""
    return state_folder() / "journal.jsonl"


def record_job(record: dict[str, Any], url: str) -> None:
    """Write a submitted job down; a disk that is full or read-only stops no job."""
    title = record.get("label") or record.get("query") or f"graph analysis of {record.get('dataset_id')}"
    entry = JournalEntry(
        str(record["job_id"]), url, str(record.get("created_at") or ""), " ".join(str(title).split())[:120]
    )
    file = journal_file()
    with suppress(OSError), exclusive(file):
        append_record(file, asdict(entry))
        if file.stat().st_size > 2 * KEPT * 300:
            write_records(file, read_records(file)[-KEPT:])


def entries() -> list[JournalEntry]:
    """Read the journal, newest first; a line that was cut off by a crash, or is no entry, is left out."""
    names = [field.name for field in fields(JournalEntry)]
    return [
        JournalEntry(*(record[name] for name in names))
        for record in reversed(read_records(journal_file())[-KEPT:])
        if isinstance(record, dict) and all(isinstance(record.get(name), str) for name in names)
    ]


def written_out(start: str) -> list[JournalEntry]:
    """Find the jobs whose id begins with a text.

    Examples
    --------
    >>> [entry.title for entry in written_out(lab.sql("SELECT 1").id)]
    ['SELECT 1']
    """
    wanted = start.strip().lower()
    return [entry for entry in entries() if len(wanted) >= 4 and entry.job_id.startswith(wanted)]
