"""The OS sandbox of a child: rlimits, Landlock and seccomp, whatever code runs in it.

It is applied after the task is read and before an engine starts a thread. It can't be removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import resource
import sys
from pathlib import Path
from typing import Final, assert_never

from syndb_service.domain.child_task import CheckTask, ChildTask, CountTask, GraphTask, QueryTask, TaskLimits
from syndb_service.isolation import landlock, seccomp

ENGINE_READS: Final = ("/proc/self/cgroup", "/proc/meminfo", "/sys/fs/cgroup")
"""DuckDB reads the amount of memory there, and ends the process if it can't."""
ANALYSES_READ: Final = ("/proc/cpuinfo", "/sys/devices/system/cpu")
"""Read by libraries that select code for this processor."""
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
OPEN_FILES: Final = 512
CPU_GRACE_S: Final = 5


def apply_os_sandbox(task: ChildTask) -> None:
    """Restrict this process to the files and the limits of a task."""
    files, writable = _paths(task)
    _limit(task.limits, len(files))
    if sys.platform != "linux":
        return
    _prefer_oom_kill()
    for option, value in ((PR_SET_NO_NEW_PRIVS, 1), (PR_SET_DUMPABLE, 0)):
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3)
    if landlock.abi():
        readable = [*files, *map(Path, (*ENGINE_READS, *_code(task)))]
        landlock.restrict(readable, writable)
    if seccomp.is_supported():
        with contextlib.suppress(OSError):
            seccomp.restrict()


def missing_protections() -> list[str]:
    """Return the names of the parts of the OS sandbox that this machine lacks.

    Examples
    --------
    >>> set(missing_protections()) <= {"Landlock", "Landlock for the network", "Landlock for signals",
    ...     "seccomp"}
    True
    """
    version = landlock.abi()
    parts = {
        "Landlock": version >= 1,
        "Landlock for the network": version >= 4 or not version,
        "Landlock for signals": version >= 6 or not version,
        "seccomp": seccomp.is_supported(),
    }
    return [name for name, is_available in parts.items() if not is_available]


def _paths(task: ChildTask) -> tuple[list[Path], list[Path]]:
    """Return the files that a task reads and the directories that it writes to."""
    match task:
        case QueryTask(files=files) | GraphTask(files=files):
            sources, writable = files.sources, [Path(files.temp_dir)]
        case CountTask():
            sources, writable = task.sources, []
        case CheckTask():
            sources, writable = {}, []
        case _:
            assert_never(task)
    return [Path(path) for paths in sources.values() for path in paths], writable


def _code(task: ChildTask) -> list[str]:
    """Return the folders with Python code, for graph jobs only: they run no user code and import modules."""
    if not isinstance(task, GraphTask):
        return []
    return [path for path in (*ANALYSES_READ, sys.base_prefix, sys.prefix, *sys.path) if path]


def _limit(limits: TaskLimits, files: int) -> None:
    """Limit core dumps, open files, memory, the size of a file and processor time.

    Processes are not limited: the kernel counts all of the OS user, including the service's threads. Seccomp
    allows a child to create only threads, and their stacks count towards its memory.
    """
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_NOFILE, OPEN_FILES + 2 * files)
    if limits.temp_bytes is not None:
        _set(resource.RLIMIT_FSIZE, limits.temp_bytes)
    if limits.cpu_s is not None:
        _set(resource.RLIMIT_CPU, limits.cpu_s, CPU_GRACE_S)
    if sys.platform == "linux":
        _set(resource.RLIMIT_AS, limits.address_space_bytes)


def _set(kind: int, limit: int, grace: int = 0) -> None:
    _, hard = resource.getrlimit(kind)
    top = limit + grace if hard == resource.RLIM_INFINITY else min(limit + grace, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (min(limit, top), top))


def _prefer_oom_kill() -> None:
    """Make the kernel kill a child, not the service, if the machine runs out of memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
