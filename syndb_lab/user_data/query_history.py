"""What was run from the composer on this computer: the newest drafts, each once, for the next notebook."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from syndb_lab.user_data.job_journal import journal_file
from syndb_lab.user_data.json_lines import exclusive, read_records, write_records

KEPT: Final = 100
LONGEST: Final = 20_000
TEXTS: Final = ("kind", "sql", "label", "analysis", "dataset_id", "at")


def history_file() -> Path:
    """Say where the history is: a file of this user alone, beside the journal."""
    return journal_file().with_name("composer.jsonl")


def load_history() -> list[dict[str, Any]]:
    """Read the drafts, newest first; a line that was cut off by a crash, or is no draft, is left out."""
    return [draft for draft in reversed(read_records(history_file())[-KEPT:]) if is_draft(draft)]


def is_draft(record: Any) -> bool:
    """Whether a record is a draft as a page can list it."""
    return isinstance(record, dict) and all(isinstance(record.get(name), str | None) for name in TEXTS)


def add_to_history(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a draft down as the newest; return what is remembered, newest first.

    A draft beyond ``LONGEST`` characters is not kept, and a disk that is full or read-only stops no job.
    """
    if len(json.dumps(draft, ensure_ascii=False)) > LONGEST:
        return load_history()
    with suppress(OSError), exclusive(history_file()):
        drafts = _with_newest(draft)
        write_records(history_file(), reversed(drafts))
        return drafts
    return _with_newest(draft)


def _with_newest(draft: dict[str, Any]) -> list[dict[str, Any]]:
    same = {name: value for name, value in draft.items() if name != "at"}
    older = [one for one in load_history() if {k: v for k, v in one.items() if k != "at"} != same]
    return [draft, *older][:KEPT]
