"""The first rows of a result, as static HTML for a saved notebook and as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syndb_lab.display.table_preview import COLUMNS, ROWS, WIDEST, omission_note
from syndb_lab.notebook.card.html import QUIET, html_rows
from syndb_lab.notebook.table.cell_text import Cell
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.text.html_text import html_text
from syndb_lab.text.terminal_text import columns_of, pad_to_columns

PLAIN_WIDTH: Final = 40


def first_page(rows: RowView) -> dict[str, Any]:
    """Read the first 20 rows.

    Returns
    -------
    dict
        ``columns`` (``name``, ``type``, ``numeric``, ``chars``: width of the widest cell), ``rows`` (short
        texts; None for NULL), ``note``.
    """
    columns = rows.columns
    _, cells = rows.page(ViewSpec(), 0, ROWS, range(len(columns)))
    texts = [[short(cell, WIDEST) for cell in row] for row in cells]
    for index, column in enumerate(columns):
        lengths = [columns_of(row[index] or "NULL") for row in texts]
        column["chars"] = max(columns_of(column["name"]) + 4, *lengths, 0)
    return {"columns": columns, "rows": texts, "note": omission_note(len(cells), rows.count, len(columns))}


def html_page(page: dict[str, Any], title: str, notes: Sequence[str], key: str) -> str:
    """Render the first rows as HTML with inline styles; a live table finds its position by ``key``."""
    notes = [note for note in (page["note"], *notes) if note]
    few = {"columns": page["columns"][:COLUMNS], "rows": [row[:COLUMNS] for row in page["rows"]], "note": ""}
    static = (
        f'<div style="margin:4px 0"><b>{html_text(title)}</b></div>{html_rows(few)}'
        f'<div style="color:{QUIET};font-size:11px">{"<br>".join(html_text(note) for note in notes)}</div>'
    )
    classes = f"syndb-host syndb-table-{key} mathjax_ignore tex2jax_ignore"
    return f'<div class="{classes}"><div class="syndb-still">{static}</div></div>'


def plain_page(page: dict[str, Any], notes: Sequence[str]) -> str:
    """Format the first rows as aligned text."""
    columns = page["columns"][:COLUMNS]
    heads = [column["name"] for column in columns]
    lines = [heads, *(["NULL" if cell is None else cell for cell in row[:COLUMNS]] for row in page["rows"])]
    cells = [[short(cell, PLAIN_WIDTH) or "" for cell in line] for line in lines]
    widths = [max(map(columns_of, column)) for column in zip(*cells, strict=True)]
    right = [column["numeric"] for column in columns]
    written = [
        "  ".join(
            pad_to_columns(cell, columns_wide, right=side)
            for cell, columns_wide, side in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join([*written, *(note for note in (page["note"], *notes) if note)])


def short(cell: Cell, width: int) -> str | None:
    """Truncate a cell, with an ellipsis at its end."""
    if cell is None:
        return None
    whole, cut_already = (cell, False) if isinstance(cell, str) else (str(cell[0]), True)
    return f"{whole[: width - 1]}…" if cut_already or len(whole) > width else whole
