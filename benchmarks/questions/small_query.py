"""1. One small query, from the notebook's cell to the frame in its hands."""

from __future__ import annotations

import importlib.util
from typing import Final

from benchmarks.figures import Answer, Row, Target
from benchmarks.places import SKIPPED, Bench, Place, jobs_of
from benchmarks.processes import run_role
from benchmarks.queries import WORM, files

TITLE: Final = "1. One small query, from the cell to the polars frame"
JUPYSQL: Final = importlib.util.find_spec("sql") is not None
BARE, CELL = "bare DuckDB in the same kernel", "JupySQL cell (`%%sql`)"


def answer(bench: Bench) -> Answer:
    """Run cells of ours, of bare DuckDB and of JupySQL in turn, in one kernel."""
    answer = Answer(TITLE)
    with bench.embedded() as place:
        took = cells(place, bench.many(150, 8))
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
        with bench.distributed() as place:
            took = cells(place, bench.many(100, 5))
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


def cells(place: Place, times: int) -> dict[str, list[float]]:
    """Return the milliseconds of each kind of cell."""
    with jobs_of(place) as jobs:
        dataset = jobs.dataset_id(WORM)
    took: dict[str, list[float]] = run_role(
        "notebook",
        place.environment,
        url=place.url,
        token=place.token,
        dataset=dataset,
        paths=files(place.data_dir, "synapses", dataset),
        jupysql=JUPYSQL,
        times=times,
        warm=3,
    )
    return took
