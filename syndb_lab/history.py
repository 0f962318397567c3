"""What was run from the composer on this computer: the newest drafts, each once, for the next notebook."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from syndb_lab.journal import journal_file

KEPT: Final = 100
LONGEST: Final = 20_000


def history_file() -> Path:
    """Say where the history is: a file of this user alone, beside the journal."""
    return journal_file().with_name("composer.jsonl")


def remembered() -> list[dict[str, Any]]:
    """Read the drafts, newest first; a line that was cut off by a crash is left out."""
    try:
        lines = history_file().read_text(errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in reversed(lines[-KEPT:]):
        with suppress(ValueError):
            draft = json.loads(line)
            if isinstance(draft, dict):
                found.append(draft)
    return found


def remember(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a draft down as the newest; return what is remembered, newest first.

    A draft beyond ``LONGEST`` characters is not kept, and a disk that is full or read-only stops no job.
    """
    line = json.dumps(draft, ensure_ascii=False)
    found = remembered()
    if len(line) > LONGEST:
        return found
    same = {name: value for name, value in draft.items() if name != "at"}
    older = [one for one in found if {k: v for k, v in one.items() if k != "at"} != same]
    kept = [draft, *older][:KEPT]
    file = history_file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in reversed(kept)))
        fresh.replace(file)
    return kept
