"""The running notebook cell and what it shows: widgets close, with their children, when it runs again."""

from __future__ import annotations

import os
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
LATEST: Final[weakref.WeakValueDictionary[str, Any]] = weakref.WeakValueDictionary()
"""By cell: what it showed last in place of an earlier output."""


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


def notebook_cell() -> str | None:
    """Return the notebook and the id of the running cell; a copied notebook has the same cell ids.

    JupyterLab passes the notebook's path in JPY_SESSION_NAME, VS Code in a variable.
    """
    cell, _ = running_cell_and_run()
    if not cell:
        return None
    variables: dict[str, Any] = getattr(get_ipython(), "user_ns", {})
    notebook = os.environ.get("JPY_SESSION_NAME") or variables.get("__vsc_ipynb_file__") or ""
    return f"{notebook}\n{cell}"


def execution_count() -> int | None:
    """Return the execution count of the running cell, the number in brackets next to it."""
    found: int | None = getattr(get_ipython(), "execution_count", None)
    return found


def replace_cell_output(shown: Any) -> Any:
    """Record what the running cell shows, and return what it showed in its last run."""
    cell, _ = running_cell_and_run()
    if not cell:
        return None
    last = LATEST.get(cell)
    LATEST[cell] = shown
    return last


def close_widget(widget: ipywidgets.Widget) -> None:
    """Close a widget with its children, layout and style, so that neither page nor kernel keeps them."""
    for child in getattr(widget, "children", ()):
        close_widget(child)
    for name in ("layout", "style"):
        if (part := getattr(widget, name, None)) is not None and hasattr(part, "close"):
            part.close()
    widget.close()
