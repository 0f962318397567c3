"""Lists that show themselves as aligned text in a terminal and as an escaped table in a notebook."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from syndb_lab.conversion.sql_values import format_value
from syndb_lab.errors import ParameterError
from syndb_lab.text.html_text import html_text
from syndb_lab.text.terminal_text import (
    columns_of,
    cut_to_columns,
    escape_control_characters,
    pad_to_columns,
    shorten,
)

T = TypeVar("T")
WIDEST_CELL: Final = 60
LONGEST_READ: Final = 10_000
ID_LETTERS: Final = 36
GAP: Final = "  "
CELL_STYLE: Final = "text-align: left; padding: 2px 10px"


class Listing(list[T], Generic[T]):
    """A list that shows itself as a table.

    Parameters
    ----------
    items : iterable
        The items.
    columns : mapping
        By heading, the function that formats an item's cell.
    empty : str
        The text of an empty list.

    Examples
    --------
    >>> Listing([3, 4], {"n": str, "square": lambda n: str(n * n)}, empty="no numbers")
    n  square
    3  9
    4  16
    """

    def __init__(self, items: Iterable[T], columns: Mapping[str, Callable[[T], str]], *, empty: str) -> None:
        super().__init__(items)
        self._columns = dict(columns)
        self._empty = empty

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_listing, (type(self), list(self), self._columns, self._empty)

    def __getitem__(self, index: Any) -> Any:
        """Return the item at an index, counted from 0; a slice is a plain list."""
        if not isinstance(index, slice) and not hasattr(type(index), "__index__"):
            raise ParameterError(
                f"{format_value(index)} is no place in this list",
                hint=f"{self._count().capitalize()}, counted from 0; a slice such as [:5] gives several.",
            )
        try:
            return super().__getitem__(index)
        except IndexError:
            raise IndexError(f"there is no [{index}]: {self._count()}, counted from 0") from None

    def _count(self) -> str:
        return f"the list has {len(self):,} entr{'y' if len(self) == 1 else 'ies'}"

    def __repr__(self) -> str:
        if not self:
            return self._empty
        rows = [[one_line(cell) for cell in row] for row in self.plain_rows()]
        widths = [max(columns_of(row[index]) for row in rows) for index in range(len(self._columns))]
        if sys.stdout.isatty():
            widths = fit_widths(widths, shutil.get_terminal_size().columns)
        return "\n".join(
            GAP.join(
                pad_to_columns(cut_to_columns(cell, width), width)
                for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in rows
        )

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{html_text(self._empty)}</p>"
        return html_table(list(self._columns), self._cells())

    def plain_rows(self) -> list[list[str]]:
        """Return the headings, then the cells of each item, without shortening.

        Examples
        --------
        >>> Listing([3], {"n": str, "square": lambda n: str(n * n)}, empty="").plain_rows()
        [['n', 'square'], ['3', '9']]
        """
        return [list(self._columns), *self._cells()]

    def _cells(self) -> list[list[str]]:
        return [[text(item) for text in self._columns.values()] for item in self]


def _rebuild_listing(
    kind: type[Listing[Any]], items: list[Any], columns: dict[str, Any], empty: str
) -> Listing[Any]:
    """Rebuild a list that was pickled."""
    return kind(items, columns, empty=empty)


def fit_widths(widths: list[int], line_width: int) -> list[int]:
    """Narrow the widest columns until a line fits; a column no wider than an id keeps its width.

    Examples
    --------
    >>> fit_widths([9, 60, 36], 100)
    [9, 51, 36]
    """
    left = list(widths)
    while sum(left) + len(GAP) * (len(left) - 1) > line_width and max(left) > ID_LETTERS:
        left[left.index(max(left))] -= 1
    return left


def html_table(headings: list[str], rows: list[list[str]]) -> str:
    """Render a table as HTML with escaped text and inline styles, which a saved notebook keeps."""
    head = "".join(f'<th style="{CELL_STYLE}">{html_text(heading)}</th>' for heading in headings)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL_STYLE}">{html_text(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def one_line(cell: Any) -> str:
    r"""Format a text as one short cell, without control characters.

    Examples
    --------
    >>> one_line("red \x1b[31m\nand more")
    'red �[31m and more'
    """
    words = escape_control_characters(" ".join(str(cell)[:LONGEST_READ].split()))
    return shorten(words, WIDEST_CELL)
