"""A table while its kernel lives: the widget, and when it is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets
from IPython.core.getipython import get_ipython

from syndb_lab.cell import dismiss
from syndb_lab.front_end import static
from syndb_lab.grid.rows import Rows
from syndb_lab.grid.serving import Serving


class DrawnTable(anywidget.AnyWidget):
    """The table, drawn by our own JavaScript."""

    _esm = static("table.js")
    _css = static("table.css")
    board = traitlets.Dict().tag(sync=True)


class LiveTable:
    """One showing of a result; what the page asks for is answered in a thread of our own.

    Parameters
    ----------
    board : dict
        What the page is told at first: ``key``, ``title``, ``note``, ``rows``, ``columns``.
    open_rows : callable
        Opens the rows, when they are asked for first.
    """

    def __init__(self, board: dict[str, Any], open_rows: Callable[[], Rows]) -> None:
        self._widget = DrawnTable(board=board)
        self._serving = Serving(open_rows, self._widget.send)
        self._widget.on_msg(lambda _, content, __: self._serving.ask(content))
        self.is_closed = False

    def close(self) -> None:
        """End the connection to the page and let the file go."""
        if self.is_closed:
            return
        self.is_closed = True
        self._serving.close()
        dismiss(self._widget)


def has_kernel() -> bool:
    """Whether this is a notebook's kernel, which a page can ask."""
    return getattr(get_ipython(), "kernel", None) is not None
