"""A table while its kernel lives: the widget, and when it is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import anywidget
import traitlets
from IPython.core.getipython import get_ipython

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
        self.is_closed = True
        self._serving.close()
        self._widget.layout.close()  # a widget of its own, with a comm that its owner leaves open
        self._widget.close()


SHOWN: Final[dict[str, tuple[str, list[LiveTable]]]] = {}


def replaces_what_its_cell_showed(live: LiveTable) -> None:
    """Close the tables that an earlier run of this cell showed: their place on the page is gone."""
    cell, run = running_cell()
    if not cell:
        return
    earlier, tables = SHOWN.get(cell, (run, []))
    if earlier != run:
        for table in tables:
            table.close()
    SHOWN[cell] = (run, [live, *(table for table in tables if not table.is_closed)])


def running_cell() -> tuple[str, str]:
    """Name the cell that runs, and this run of it; nothing where the front end doesn't say."""
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    return str(cell or ""), str((parent.get("header") or {}).get("msg_id") or "")


def has_kernel() -> bool:
    """Whether this is a notebook's kernel, which a page can ask."""
    return getattr(get_ipython(), "kernel", None) is not None
