"""The same work in several processes at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def at_once(work: Callable[[str], Any], argument: str, processes: int) -> list[Any]:
    """Call a function of a test module in that many processes; return what each returned."""
    code = (
        f"import json, sys; from {work.__module__} import {work.__name__} as work; "
        "print(json.dumps(work(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, argument]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(processes)]
    return [json.loads(process.communicate(timeout=120)[0]) for process in running]
