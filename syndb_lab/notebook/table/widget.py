"""A table while its kernel lives: the widget, and when it is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets
from IPython.core.getipython import get_ipython

from syndb_lab.display.cell_output import close_widget
from syndb_lab.notebook.front_end import read_asset
from syndb_lab.notebook.table.page_server import PageServer
from syndb_lab.notebook.table.row_view import RowView


class TableWidget(anywidget.AnyWidget):
    """The table, drawn by our own JavaScript."""

    _esm = read_asset("table.js")
    _css = read_asset("table.css")
    board = traitlets.Dict().tag(sync=True)


class TableOutput:
    """One showing of a result; what the page asks for is answered in a thread of our own.

    Parameters
    ----------
    board : dict
        What the page is told at first: ``key``, ``title``, ``note``, ``rows``, ``columns``.
    open_rows : callable
        Opens the rows, when they are asked for first.
    """

    def __init__(self, board: dict[str, Any], open_rows: Callable[[], RowView]) -> None:
        self._widget = TableWidget(board=board)
        self._serving = PageServer(open_rows, self._widget.send)
        self._widget.on_msg(lambda _, content, __: self._serving.request(content))
        self.is_closed = False

    def close(self) -> None:
        """End the connection to the page and let the file go."""
        if self.is_closed:
            return
        self.is_closed = True
        self._serving.close()
        close_widget(self._widget)


def has_kernel() -> bool:
    """Whether this is a notebook's kernel, which a page can ask."""
    return getattr(get_ipython(), "kernel", None) is not None
