"""The cell that runs now: which one it is, and which composer it showed last."""

from __future__ import annotations

import os
import weakref
from typing import Any, Final

from IPython.core.getipython import get_ipython

SHOWN: Final[weakref.WeakValueDictionary[str, Any]] = weakref.WeakValueDictionary()


def running_cell_id() -> str | None:
    """Say which cell runs, where the front end tells it."""
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)() or {}
    found = (parent.get("metadata") or {}).get("cellId")
    return str(found) if found else None


def notebook_cell() -> str | None:
    """Name the cell that runs by its notebook, too: a notebook that was copied keeps the ids of its cells.

    JupyterLab tells its kernels the notebook's path in JPY_SESSION_NAME, VS Code in a variable.
    """
    cell = running_cell_id()
    if cell is None:
        return None
    variables: dict[str, Any] = getattr(get_ipython(), "user_ns", {})
    notebook = os.environ.get("JPY_SESSION_NAME") or variables.get("__vsc_ipynb_file__") or ""
    return f"{notebook}\n{cell}"


def execution_count() -> int | None:
    """Say the number in the brackets beside the cell that runs."""
    found: int | None = getattr(get_ipython(), "execution_count", None)
    return found


def replace_cell_output(shown: Any) -> Any:
    """Note what the cell that runs now shows; return what it showed when it ran before."""
    cell = running_cell_id()
    if cell is None:
        return None
    last = SHOWN.get(cell)
    SHOWN[cell] = shown
    return last
