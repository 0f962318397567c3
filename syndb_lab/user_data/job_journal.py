"""The journal of jobs submitted from this computer, so that the end of a kernel loses none of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from syndb_lab.user_data.json_lines import append_record, exclusive, read_records, write_records
from syndb_lab.user_data.user_folders import state_folder

MAX_ENTRIES: Final = 1000


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry of the journal: a job, the address of its service, and its title."""

    job_id: str
    url: str
    created_at: str
    title: str


def journal_file() -> Path:
    """Return the path of the journal, a file that only this user can read."""
    return state_folder() / "journal.jsonl"


def record_job(record: dict[str, Any], url: str) -> None:
    """Add a submitted job to the journal; ignore a disk that is full or read-only."""
    title = record.get("label") or record.get("query") or f"graph analysis of {record.get('dataset_id')}"
    entry = JournalEntry(
        str(record["job_id"]), url, str(record.get("created_at") or ""), " ".join(str(title).split())[:120]
    )
    file = journal_file()
    with suppress(OSError), exclusive(file):
        append_record(file, asdict(entry))
        if file.stat().st_size > 2 * MAX_ENTRIES * 300:
            write_records(file, read_records(file)[-MAX_ENTRIES:])


def entries() -> list[JournalEntry]:
    """Read the journal, newest first, without lines that a crash cut off or that are no entries."""
    names = [field.name for field in fields(JournalEntry)]
    return [
        JournalEntry(*(record[name] for name in names))
        for record in reversed(read_records(journal_file())[-MAX_ENTRIES:])
        if isinstance(record, dict) and all(isinstance(record.get(name), str) for name in names)
    ]


def written_out(start: str) -> list[JournalEntry]:
    """Find the entries whose job id begins with a text of at least 4 characters.

    Examples
    --------
    >>> [entry.title for entry in written_out(lab.sql("SELECT 1").id)]
    ['SELECT 1']
    """
    wanted = start.strip().lower()
    return [entry for entry in entries() if len(wanted) >= 4 and entry.job_id.startswith(wanted)]
