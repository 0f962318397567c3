"""Rows as tab-separated text for a spreadsheet, with exact ids and complete cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.notebook.table.row_view import RowView, ViewSpec

MAX_ROWS: Final = 100_000
MAX_CHARACTERS: Final = 20_000_000
MAX_STEP: Final = 1_000
QUOTED: Final = re.compile(r'[\t\r\n"]')


def rows_as_text(rows: RowView, view: ViewSpec, first: int, count: int) -> str:
    """Format rows of a view, with a header line of the column names.

    Raises
    ------
    ResultUnsuitable
        The rows are too many or too long for the clipboard.
    """
    if count > MAX_ROWS:
        raise too_much(f"{count:,} rows are more than can be copied at once ({MAX_ROWS:,})")
    columns = range(len(rows.columns))
    names = [column["name"] for column in rows.columns]
    lines, size, start, step = [tab_separated(names)], 0, first, 1
    while start < first + count:
        step = min(
            2 * step, MAX_STEP, first + count - start
        )  # few rows at first, because a row can have megabytes
        for row in rows.texts(view, start, step, columns):
            lines.append(tab_separated(row))
            size += len(lines[-1])
        if size > MAX_CHARACTERS:
            raise too_much(f"these rows are more than {MAX_CHARACTERS:,} characters")
        start += step
    return "\n".join(lines)


def copied_cell(rows: RowView, view: ViewSpec, row: int, column: int) -> str:
    """Return the complete text of a cell; empty for NULL."""
    found = rows.texts(view, row, 1, [column])
    return (found[0][0] or "") if found else ""


def too_much(message: str) -> ResultUnsuitable:
    """Build the error for too many rows, with alternatives to copying."""
    return ResultUnsuitable(
        message, hint="Select fewer, or take the whole: job.to_polars(), or the file at job.result_path()."
    )


def tab_separated(cells: Iterable[str | None]) -> str:
    r"""Format a line as spreadsheets read it; NULL is empty, an empty text is quoted.

    Examples
    --------
    >>> tab_separated(["720575940600000001", None, "", "two\nlines"])
    '720575940600000001\t\t""\t"two\nlines"'
    """
    return "\t".join("" if cell is None else quote_cell(cell) for cell in cells)


def quote_cell(cell: str) -> str:
    """Quote a text that a spreadsheet would otherwise misread."""
    return cell if cell and not QUOTED.search(cell) else '"' + cell.replace('"', '""') + '"'
