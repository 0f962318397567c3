"""The last draft of each cell's composer, stored on this computer for the next kernel."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.user_data.json_lines import read_records, write_records
from syndb_lab.user_data.query_history import history_file

MAX_CELLS: Final = 200
MAX_CHARACTERS: Final = 1_000_000


def draft_file(cell: str) -> Path:
    """Return the draft file of a cell; each cell has its own file, so no other kernel overwrites it."""
    return (
        history_file().with_name("drafts")
        / f"{hashlib.sha256(cell.encode(errors='replace')).hexdigest()[:32]}.jsonl"
    )


def save_draft(cell: str | None, initial_sql: str | None, draft: Draft) -> bool:
    """Store the draft of a cell's composer, and return whether it was stored.

    Parameters
    ----------
    cell : str or None
        The notebook and the cell's id; None if the front end does not send one.
    initial_sql : str or None
        The SQL that the composer was opened with.
    draft : Draft
        The draft. One with more than ``MAX_CHARACTERS`` characters is not stored; the last stored one stays.
    """
    record = {"given": initial_sql, "draft": draft.memory()}
    if cell is None or len(json.dumps(record, ensure_ascii=False)) > MAX_CHARACTERS:
        return False
    file = draft_file(cell)
    try:
        is_new = not file.exists()
        write_records(file, [record])
        if is_new:
            forget_oldest(file.parent)
    except OSError:
        return False
    return True


def load_draft(cell: str | None) -> tuple[str | None, Draft] | None:
    """Read the last draft of a cell, with the SQL that its composer was opened with."""
    for record in read_records(draft_file(cell)) if cell is not None else ():
        if isinstance(record, dict) and isinstance(record.get("draft"), dict):
            return record.get("given"), Draft.read(record["draft"])
    return None


def forget_oldest(folder: Path) -> None:
    """Delete the oldest drafts beyond ``MAX_CELLS`` cells."""
    files: list[tuple[float, Path]] = []
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            files.append((file.stat().st_mtime, file))
    for _, file in sorted(files, reverse=True)[MAX_CELLS:]:
        file.unlink(missing_ok=True)


def first_draft(sql: str | None, earlier: tuple[str | None, Draft] | None) -> Draft:
    """Return the first draft of a new composer: the cell's last draft, unless the initial SQL has changed.

    Parameters
    ----------
    sql : str or None
        The SQL that the new composer is opened with.
    earlier : tuple of (str or None, Draft), or None
        The initial SQL and the last draft of the cell's last composer.
    """
    if earlier is not None and sql in (None, earlier[0]):
        return earlier[1]
    return Draft(sql=sql or "")
