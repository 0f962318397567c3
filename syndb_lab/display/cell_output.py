"""The widgets that a notebook cell shows: they are closed, with their children, when the cell runs again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol

from IPython.core.getipython import get_ipython

if TYPE_CHECKING:
    import ipywidgets


class Closable(Protocol):
    """An object that a cell shows; closing it a second time has no effect."""

    def close(self) -> None:
        """Release its widgets."""


SHOWN: Final[dict[str, tuple[str, weakref.WeakSet[Closable]]]] = {}
"""By cell: its last run and what that has shown, as weak references: the widgets hold what is live."""


def close_earlier_output(shown: Closable) -> None:
    """Close what an earlier run of this cell showed, because its output is no longer on the page."""
    cell, run = running_cell_and_run()
    if not cell:
        return
    earlier, showing = SHOWN.get(cell, (run, weakref.WeakSet()))
    if earlier != run:
        for outdated in list(showing):
            outdated.close()
        showing = weakref.WeakSet()
    showing.add(shown)
    SHOWN[cell] = (run, showing)


def running_cell_and_run() -> tuple[str, str]:
    """Return the ids of the running cell and of this run; empty if the front end does not send them."""
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    return str(cell or ""), str((parent.get("header") or {}).get("msg_id") or "")


def close_widget(widget: ipywidgets.Widget) -> None:
    """Close a widget with its children, layout and style, so that neither page nor kernel keeps them."""
    for child in getattr(widget, "children", ()):
        close_widget(child)
    for name in ("layout", "style"):
        if (part := getattr(widget, name, None)) is not None and hasattr(part, "close"):
            part.close()
    widget.close()
