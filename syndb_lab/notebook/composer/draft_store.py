"""What was last written in the composer of each cell, kept on this computer for the next kernel."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.user_data.json_lines import read_records, write_records
from syndb_lab.user_data.query_history import history_file

MOST_CELLS: Final = 200
LONGEST: Final = 1_000_000


def draft_file(cell: str) -> Path:
    """Say where the draft of a cell is: a file of its own, that no other kernel overwrites."""
    return (
        history_file().with_name("drafts")
        / f"{hashlib.sha256(cell.encode(errors='replace')).hexdigest()[:32]}.jsonl"
    )


def save_draft(cell: str | None, given: str | None, draft: Draft) -> bool:
    """Write down what stands in a cell's composer; return whether it will be found again.

    Parameters
    ----------
    cell : str or None
        The notebook and the cell's id; None where the front end tells no cell.
    given : str or None
        The SQL that the composer was made with.
    draft : Draft
        What stands in it now. Beyond ``LONGEST`` characters it is not kept, and the last shorter one stays.
    """
    record = {"given": given, "draft": draft.memory()}
    if cell is None or len(json.dumps(record, ensure_ascii=False)) > LONGEST:
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
    """Read what stood in a cell's composer last, with the SQL that the composer was made with."""
    for record in read_records(draft_file(cell)) if cell is not None else ():
        if isinstance(record, dict) and isinstance(record.get("draft"), dict):
            return record.get("given"), Draft.read(record["draft"])
    return None


def forget_oldest(folder: Path) -> None:
    """Keep the drafts of the cells that were written in last."""
    written: list[tuple[float, Path]] = []
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            written.append((file.stat().st_mtime, file))
    for _, file in sorted(written, reverse=True)[MOST_CELLS:]:
        file.unlink(missing_ok=True)


def first_draft(sql: str | None, earlier: tuple[str | None, Draft] | None) -> Draft:
    """Say what a new composer shows: what was written last, unless it is made with other SQL now.

    Parameters
    ----------
    sql : str or None
        What the new one is made with.
    earlier : tuple of (str or None, Draft), or None
        What the cell's last composer was made with, and what stood in it.
    """
    if earlier is not None and sql in (None, earlier[0]):
        return earlier[1]
    return Draft(sql=sql or "")
