"""Detection of what the front end can show: our JavaScript, or plain HTML only."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"


def supports_javascript() -> bool:
    """Return whether the front end loads our JavaScript without a download from another server."""
    hosted = "google.colab" in sys.modules or any(name in os.environ for name in ("VSCODE_PID", "VSCODE_CWD"))
    return not hosted


def read_asset(name: str) -> str:
    """Read a JavaScript or CSS file for the page; given a path, anywidget would never release a widget."""
    return (STATIC / name).read_text(encoding="utf-8")
