"""What a service and its client hold: descriptors, threads, processes, memory and files."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import psutil

MIB: Final = 1024**2
SPARE: Final = {"descriptors": 32, "threads": 24, "processes": 2, "memory": 192, "files": 0, "temporary": 0}
"""By how much each may be above its beginning: pools of threads, connections and idle children fill
with the load, up to a limit; each child counts what it shares with the others as its own, 80 MiB."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of one side; memory in MiB, as resident. A service is all of its processes together."""

    descriptors: int
    threads: int
    processes: int
    memory: int
    files: int
    temporary: int

    def above(self, first: Sample) -> list[str]:
        """Say of what there is more than at first."""
        grown = []
        for field in fields(self):
            now, then = getattr(self, field.name), getattr(first, field.name)
            if now > then + SPARE[field.name]:
                grown.append(f"{field.name} {then:,} → {now:,}")
        return grown


def sample(pid: int, stored: Iterable[Path], temporary: Iterable[Path]) -> Sample:
    """Count what a process and all that it has started hold, and the entries of folders."""
    gc.collect()
    parent = psutil.Process(pid)
    counts = [0, 0, 0, 0]
    for process in [parent, *parent.children(recursive=True)]:
        try:
            with process.oneshot():
                held = process.num_fds(), process.num_threads(), 1, process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        counts = [total + more for total, more in zip(counts, held, strict=True)]
    descriptors, threads, processes, memory = counts
    return Sample(descriptors, threads, processes, memory // MIB, entries(stored), entries(temporary))


def entries(folders: Iterable[Path]) -> int:
    """Count what lies in folders, at any depth."""
    return sum(1 for folder in folders if folder.exists() for _ in folder.rglob("*"))


def table(rows: Sequence[tuple[str, int, float, Sample, Sample]]) -> str:
    """Write samples as a table: when, jobs, seconds, and what both sides held."""
    names = [field.name for field in fields(Sample)]
    head = [
        "",
        "jobs",
        "seconds",
        *(f"service {name}" for name in names),
        *(f"client {name}" for name in names),
    ]
    lines = [
        [when, f"{jobs:,}", f"{seconds:.0f}"]
        + [f"{getattr(side, name):,}" for side in (service, client) for name in names]
        for when, jobs, seconds, service, client in rows
    ]
    turned = list(zip(head, *lines, strict=True))
    widths = [max(map(len, column)) for column in zip(*turned, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in turned
    )
