"""9. Start: time of the import and of the service's start, and memory of the idle service."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from typing import Final

from benchmarks.locations import Bench
from benchmarks.processes import family, memory_mb, run_role
from benchmarks.statistics import Answer, Row, Target

TITLE: Final = "9. Start"
HEAVY: Final = ("pandas", "polars", "pyarrow", "networkx", "matplotlib")
OTHERS: Final = {"duckdb": "import duckdb", "polars": "import polars", "sql": "import sql  # JupySQL"}
SETTLE_S: Final = 3.0
OURS: Final = "import syndb_lab; syndb_lab.connect"
TIMED: Final = "import time; began = time.perf_counter(); {code}\nprint(1000 * (time.perf_counter() - began))"
LIGHT: Final = f"import sys; {OURS}; print(*[name for name in {HEAVY!r} if name in sys.modules])"


def answer(bench: Bench) -> Answer:
    """Import alternately in fresh interpreters; start the service on an empty folder; measure its memory."""
    answer = Answer(TITLE)
    codes = {"`import syndb_lab`, and `connect` at hand": OURS}
    codes |= {
        f"`{code.partition('  ')[0]}`": code
        for name, code in OTHERS.items()
        if importlib.util.find_spec(name)
    }
    took: dict[str, list[float]] = {what: [] for what in codes}
    for _ in range(bench.many(25, 2)):
        for what, code in codes.items():
            took[what].append(float(run(TIMED.format(code=code))))
    ours, *others = took
    answer.rows.append(Row(ours, took[ours], against="`import duckdb`", targets=(Target("median", 150),)))
    answer.rows += [Row(what, took[what]) for what in others]
    if loaded := run(LIGHT):
        answer.missing.append(f"a light import: it loads {loaded}")
    starts = [
        run_role("first_job", dict(os.environ), data_dir=str(bench.fresh_folder("first")))["seconds"]
        for _ in range(bench.many(7, 1))
    ]
    answer.rows.append(
        Row("`syndb-lab up` on an empty folder to the first 202", starts, "s", targets=(Target("median", 3),))
    )
    answer.rows += measure_idle(bench)
    answer.notes.append(
        "Imports in fresh interpreters, in turn, files in the page cache. Memory three seconds after "
        "`READY`, all processes; shared pages once (PSS)."
    )
    return answer


def measure_idle(bench: Bench) -> list[Row]:
    """Measure the memory of an idle service that has run one job."""
    with bench.embedded() as location:
        time.sleep(SETTLE_S)
        pids = family(location.pids)
        return [
            Row(
                f"idle service, {len(pids)} processes",
                [memory_mb(pids)],
                "MB",
                targets=(Target("worst", 250),),
            )
        ]


def run(code: str) -> str:
    """Run code in a fresh interpreter; return its last line of output."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    return (done.stdout.splitlines() or [""])[-1].strip()
