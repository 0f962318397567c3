"""The history of the composer on this computer: the newest drafts that were run, each once."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from syndb_lab.user_data.job_journal import journal_file
from syndb_lab.user_data.json_lines import exclusive, read_records, write_records

MAX_DRAFTS: Final = 100
LONGEST: Final = 20_000
TEXTS: Final = ("kind", "sql", "label", "analysis", "dataset_id", "at")


def history_file() -> Path:
    """Return the path of the history, next to the journal."""
    return journal_file().with_name("composer.jsonl")


def load_history() -> list[dict[str, Any]]:
    """Read the drafts, newest first, without lines that a crash cut off or that are no drafts."""
    return [draft for draft in reversed(read_records(history_file())[-MAX_DRAFTS:]) if is_draft(draft)]


def is_draft(record: Any) -> bool:
    """Whether a record has the fields of a draft."""
    return isinstance(record, dict) and all(isinstance(record.get(name), str | None) for name in TEXTS)


def add_to_history(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """Add a draft as the newest; return the history, newest first.

    A draft of more than ``LONGEST`` characters is not added. A disk that is full or read-only is ignored.
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
    older = [old for old in load_history() if {k: v for k, v in old.items() if k != "at"} != same]
    return [draft, *older][:MAX_DRAFTS]
