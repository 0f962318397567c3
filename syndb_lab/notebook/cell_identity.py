"""The identity of the running cell, and the composer that it showed last."""

from __future__ import annotations

import os
import weakref
from typing import Any, Final

from IPython.core.getipython import get_ipython

SHOWN: Final[weakref.WeakValueDictionary[str, Any]] = weakref.WeakValueDictionary()


def running_cell_id() -> str | None:
    """Return the id of the running cell; None if the front end does not send it."""
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)() or {}
    found = (parent.get("metadata") or {}).get("cellId")
    return str(found) if found else None


def notebook_cell() -> str | None:
    """Return the notebook and the id of the running cell; a copied notebook has the same cell ids.

    JupyterLab passes the notebook's path in JPY_SESSION_NAME, VS Code in a variable.
    """
    cell = running_cell_id()
    if cell is None:
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
    cell = running_cell_id()
    if cell is None:
        return None
    last = SHOWN.get(cell)
    SHOWN[cell] = shown
    return last
