"""The widget of a live table, and its life cycle."""

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
    """The table, drawn by our JavaScript."""

    _esm = read_asset("table.js")
    _css = read_asset("table.css")
    board = traitlets.Dict().tag(sync=True)


class TableOutput:
    """One output of a result; a separate thread answers the page's requests.

    Parameters
    ----------
    board : dict
        Initial data for the page: ``key``, ``title``, ``note``, ``rows``, ``columns``.
    open_rows : callable
        Opens the rows at the first request.
    """

    def __init__(self, board: dict[str, Any], open_rows: Callable[[], RowView]) -> None:
        self._widget = TableWidget(board=board)
        self._server = PageServer(open_rows, self._widget.send)
        self._widget.on_msg(lambda _, content, __: self._server.request(content))
        self.is_closed = False

    def close(self) -> None:
        """Close the connection to the page, and the file."""
        if self.is_closed:
            return
        self.is_closed = True
        self._server.close()
        close_widget(self._widget)


def has_kernel() -> bool:
    """Return whether the code runs in a notebook's kernel, which can receive requests of a page."""
    return getattr(get_ipython(), "kernel", None) is not None
