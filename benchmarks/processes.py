"""Processes of a run: starts roles; measures memory and threads of process trees."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.servers.server import descendants

ROOT: Final = Path(__file__).resolve().parents[1]
TIMEOUT_S: Final = 900


def run_role(role: str, environment: Mapping[str, str], **arguments: Any) -> Any:
    """Run ``benchmarks.roles.ROLE`` in a process; return the JSON object that it prints."""
    with start_role(role, environment, **arguments) as process:
        printed, _ = process.communicate(timeout=TIMEOUT_S)
    if process.returncode:
        raise RuntimeError(f"the {role} ended with status {process.returncode}")
    return json.loads(next(line for line in reversed(printed.splitlines()) if line.startswith("{")))


def start_role(role: str, environment: Mapping[str, str], **arguments: Any) -> subprocess.Popen[str]:
    """Start ``benchmarks.roles.ROLE`` with its arguments as JSON."""
    command = [sys.executable, "-m", f"benchmarks.roles.{role}", json.dumps(arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def family(pids: Iterable[int]) -> list[int]:
    """Return processes and all their descendants."""
    found = dict.fromkeys(pids)
    for pid in list(found):
        found |= dict.fromkeys(descendants(pid))
    return list(found)


def memory_mb(pids: Iterable[int], field: str = "Pss") -> float:
    """Return the memory of processes in MB; ``Pss`` counts a shared page once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(f"{field}:"):
                    total += int(line.split()[1]) * 1024
    return total / 1e6


def threads(pid: int) -> int:
    """Return the number of threads of a process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))
