"""The value of ``job.table()``: the first rows everywhere, and all rows by page in a running notebook."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.notebook.front_end import supports_javascript
from syndb_lab.notebook.table.html import first_page, html_page, plain_page
from syndb_lab.notebook.table.row_view import RowView

if TYPE_CHECKING:
    from syndb_lab.notebook.table.widget import TableOutput

RUN_AGAIN: Final = "Run the cell again to page through all rows, to sort and to filter."
ELSEWHERE: Final = (
    "To sort, filter and see all rows here: job.to_polars(). In JupyterLab this table does it itself."
)
CUT: Final = "The result was cut at the service's size limit: there were more rows than these."


@convert_errors
class ResultTable:
    """A stored result as a table; the last line of a cell or ``display()`` shows it.

    Parameters
    ----------
    open_rows : callable
        Opens the rows: at construction, and again for each further output.
    title : str
        Title above the rows.
    truncated : bool
        Whether the result was truncated at the service's size limit.
    """

    def __init__(self, open_rows: Callable[[], RowView], title: str, *, truncated: bool = False) -> None:
        self._open_rows = open_rows
        self._title = title
        self._notes = [CUT] if truncated else []
        self._rows: RowView | None = open_rows()
        self._page = first_page(self._rows)
        self._count = self._rows.count
        self._outputs: list[TableOutput] = []

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns of the result."""
        return self._count, len(self._page["columns"])

    def __repr__(self) -> str:
        return plain_page(self._page, self._notes)

    def close(self) -> None:
        """Close the file and the live tables; the first rows stay in their cells.

        Examples
        --------
        >>> table = job.table()
        >>> table.close()
        """
        for output in self._outputs:
            output.close()
        self._outputs.clear()
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        key, note = uuid.uuid4().hex, RUN_AGAIN if supports_javascript() else ELSEWHERE
        if supports_javascript():
            self._show(key)
        html = html_page(self._page, self._title, [*self._notes, note], key)
        return {"text/html": html, "text/plain": repr(self)}

    def _show(self, key: str) -> None:
        from syndb_lab.display.cell_output import close_earlier_output
        from syndb_lab.notebook.table.widget import TableOutput, has_kernel

        if not has_kernel():
            return
        board = {"key": key, "title": self._title, "note": " ".join(self._notes), "rows": self._count}
        output = TableOutput({**board, "columns": self._page["columns"]}, self._take_rows)
        close_earlier_output(output)
        self._outputs = [*(shown for shown in self._outputs if not shown.is_closed), output]

    def _take_rows(self) -> RowView:
        """Return the open rows once, and open the file again after that."""
        rows, self._rows = self._rows, None
        return rows or self._open_rows()
