"""What a notebook's cell shows: closed, with all that it is made of, once the cell runs again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol

from IPython.core.getipython import get_ipython

if TYPE_CHECKING:
    import ipywidgets


class Closable(Protocol):
    """What a cell shows; closing it a second time does nothing."""

    def close(self) -> None:
        """End it."""


SHOWN: Final[dict[str, tuple[str, weakref.WeakSet[Closable]]]] = {}
"""By cell: its last run, and what that has shown. Who is live is held by its widget, so this holds nobody."""


def close_earlier_output(shown: Closable) -> None:
    """Close what an earlier run of this cell showed: its place on the page is gone."""
    cell, run = running_cell_and_run()
    if not cell:
        return
    earlier, showing = SHOWN.get(cell, (run, weakref.WeakSet()))
    if earlier != run:
        for one in list(showing):
            one.close()
        showing = weakref.WeakSet()
    showing.add(shown)
    SHOWN[cell] = (run, showing)


def running_cell_and_run() -> tuple[str, str]:
    """Name the cell that runs, and this run of it; nothing where the front end doesn't say."""
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    return str(cell or ""), str((parent.get("header") or {}).get("msg_id") or "")


def close_widget(widget: ipywidgets.Widget) -> None:
    """Close a widget and what it is made of, so that neither page nor kernel keeps anything of it."""
    for child in getattr(widget, "children", ()):
        close_widget(child)
    for name in ("layout", "style"):
        if (part := getattr(widget, name, None)) is not None and hasattr(part, "close"):
            part.close()
    widget.close()
