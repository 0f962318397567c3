"""Rows as text for a spreadsheet: tab-separated, every id exact and every cell whole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from syndb_lab.errors import ResultUnsuitable
from syndb_lab.notebook.table.row_view import RowView, ViewSpec

MOST_ROWS: Final = 100_000
MOST_CHARACTERS: Final = 20_000_000
AT_ONCE: Final = 1_000
QUOTED: Final = re.compile(r'[\t\r\n"]')


def rows_as_text(rows: RowView, view: ViewSpec, first: int, count: int) -> str:
    """Write rows of a view, below a line of the columns' names.

    Raises
    ------
    ResultUnsuitable
        It is more than a clipboard should take.
    """
    if count > MOST_ROWS:
        raise too_much(f"{count:,} rows are more than can be copied at once ({MOST_ROWS:,})")
    columns = range(len(rows.columns))
    names = [column["name"] for column in rows.columns]
    lines, size, start, step = [tab_separated(names)], 0, first, 1
    while start < first + count:
        step = min(2 * step, AT_ONCE, first + count - start)  # a few at first: a row may hold megabytes
        for row in rows.texts(view, start, step, columns):
            lines.append(tab_separated(row))
            size += len(lines[-1])
        if size > MOST_CHARACTERS:
            raise too_much(f"these rows are more than {MOST_CHARACTERS:,} characters")
        start += step
    return "\n".join(lines)


def copied_cell(rows: RowView, view: ViewSpec, row: int, column: int) -> str:
    """Write one cell as it is; NULL as nothing."""
    found = rows.texts(view, row, 1, [column])
    return (found[0][0] or "") if found else ""


def too_much(message: str) -> ResultUnsuitable:
    """Say what to do instead of copying."""
    return ResultUnsuitable(
        message, hint="Select fewer, or take the whole: job.to_polars(), or the file at job.result_path()."
    )


def tab_separated(cells: Iterable[str | None]) -> str:
    r"""Write a line as spreadsheets read it; NULL is empty, an empty text is in quotes.

    Examples
    --------
    >>> tab_separated(["720575940600000001", None, "", "two\nlines"])
    '720575940600000001\t\t""\t"two\nlines"'
    """
    return "\t".join("" if cell is None else quote_cell(cell) for cell in cells)


def quote_cell(cell: str) -> str:
    """Put a text in quotes where a spreadsheet would read it as something else."""
    return cell if cell and not QUOTED.search(cell) else '"' + cell.replace('"', '""') + '"'
