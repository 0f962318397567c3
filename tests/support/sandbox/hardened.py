"""Run a command as the systemd units do: no new privileges, no capability, only the calls of their filter.

``python -m tests.support.sandbox.hardened COMMAND…``. systemd itself can't be started in a test; its filter
is built here from the unit's own line, with the sets as ``systemd-analyze`` knows them and the kernel's own
numbers.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from syndb_service.isolation.seccomp import (
    ALLOW,
    ARCHITECTURE_AT,
    ARCHITECTURES,
    EQUAL,
    KILL,
    LOAD,
    NUMBER_AT,
    REFUSE,
    RETURN,
    Instruction,
    install,
)

UNIT = Path(__file__).parents[3] / "service" / "systemd" / "syndb-worker.service"
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
TOOLS = ("systemd-analyze", "setpriv")


def missing() -> list[str]:
    """Name what this machine lacks for it."""
    return [tool for tool in TOOLS if shutil.which(tool) is None] + ([] if HEADER.exists() else [HEADER.name])


def allowed_calls() -> set[str]:
    """Return the names of the calls that the unit's filter allows."""
    (line,) = re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.M)
    named, waiting = set(), ["@default", *line.split()]
    while waiting:
        each = waiting.pop()
        if each.startswith("@"):
            listed = subprocess.run(
                ["systemd-analyze", "syscall-filter", each], capture_output=True, text=True, check=True
            ).stdout.split("\n")[1:]
            waiting += [one.strip() for one in listed if one.strip() and not one.strip().startswith("#")]
        else:
            named.add(each)
    return named


def filter_of(calls: set[str]) -> list[Instruction]:
    """Write the filter: these calls, and EPERM for all others."""
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text()))
    program = [
        Instruction(LOAD, 0, 0, ARCHITECTURE_AT),
        Instruction(EQUAL, 1, 0, ARCHITECTURES["x86_64"]),
        Instruction(RETURN, 0, 0, KILL),
        Instruction(LOAD, 0, 0, NUMBER_AT),
    ]
    for number in sorted(int(numbers[call]) for call in calls if call in numbers):
        program += [Instruction(EQUAL, 0, 1, number), Instruction(RETURN, 0, 0, ALLOW)]
    return [*program, Instruction(RETURN, 0, 0, REFUSE | errno.EPERM)]


def without_privileges(command: list[str]) -> list[str]:
    """Return a command that runs another one under all of this."""
    dropped = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    return [
        "setpriv",
        *(dropped or ["--no-new-privs"]),
        sys.executable,
        "-m",
        "tests.support.sandbox.hardened",
        *command,
    ]


if __name__ == "__main__":
    install(filter_of(allowed_calls()))
    os.execvp(sys.argv[1], sys.argv[1:])
