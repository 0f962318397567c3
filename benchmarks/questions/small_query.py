"""1. One small query: from the notebook's cell to the data frame."""

from __future__ import annotations

import importlib.util
from typing import Final

from benchmarks.locations import SKIPPED, Bench, Location, jobs_of
from benchmarks.processes import run_role
from benchmarks.queries import WORM, files
from benchmarks.statistics import Answer, Row, Target

TITLE: Final = "1. One small query, from the cell to the polars frame"
JUPYSQL: Final = importlib.util.find_spec("sql") is not None
BARE, CELL = "bare DuckDB in the same kernel", "JupySQL cell (`%%sql`)"


def answer(bench: Bench) -> Answer:
    """Alternate cells of syndb-lab, bare DuckDB and JupySQL in one kernel."""
    answer = Answer(TITLE)
    with bench.embedded() as location:
        took = cells(location, bench.many(150, 8))
    answer.rows += [
        Row(
            "`%%syndb --wait`, embedded",
            took["ours"],
            against=BARE,
            targets=(Target("median", 60), Target("p95", 120)),
        ),
        Row(BARE, took["duckdb"]),
    ]
    if JUPYSQL:
        answer.rows.append(Row(CELL, took["jupysql"], against=BARE))
    else:
        answer.missing.append("JupySQL is not installed (pip install jupysql)")
    try:
        with bench.distributed() as location:
            took = cells(location, bench.many(100, 5))
        beside = f"{BARE}, beside the distributed one"
        row = Row(
            "`%%syndb --wait`, distributed", took["ours"], against=beside, targets=(Target("median", 100),)
        )
        answer.rows += [row, Row(beside, took["duckdb"])]
    except SKIPPED as missing:
        answer.missing.append(f"distributed: {missing}")
    answer.notes.append(
        "6,394 synapses grouped into 2,194 connections, the strongest given as a frame; each query "
        "another text. Ours is checked, written down, isolated in a process of its own, stored and "
        "fetched; theirs shares the kernel."
    )
    return answer


def cells(location: Location, times: int) -> dict[str, list[float]]:
    """Return the milliseconds of each kind of cell."""
    with jobs_of(location) as jobs:
        dataset = jobs.dataset_id(WORM)
    took: dict[str, list[float]] = run_role(
        "notebook",
        location.environment,
        url=location.url,
        token=location.token,
        dataset=dataset,
        paths=files(location.data_dir, "synapses", dataset),
        jupysql=JUPYSQL,
        times=times,
        warm=3,
    )
    return took
