"""What the front end before us can show: our own JavaScript, or plain HTML alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"


def supports_javascript() -> bool:
    """Whether the front end surely loads JavaScript of ours without fetching anything from elsewhere."""
    hosted = "google.colab" in sys.modules or any(name in os.environ for name in ("VSCODE_PID", "VSCODE_CWD"))
    return not hosted


def read_asset(name: str) -> str:
    """Read what JavaScript or CSS the page gets; as a path, anywidget would hold every widget for ever."""
    return (STATIC / name).read_text(encoding="utf-8")
