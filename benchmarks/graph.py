"""``python -m benchmarks.graph [--quick] [SIZE…]``: compare graph analyses with NetworkX and igraph.

Each synthetic connectome (``connectome.py``) is written as a dataset, added, and analyzed by a graph job of
a new service: Parquet → DuckDB → graph → analysis → JSON. The census is measured again together with those
of the libraries in one process, on the same connections, and the counts must be equal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import psutil

from benchmarks.connectome import UNTHRESHOLDED, WHOLE_BRAIN, Shape, Wiring, wire
from benchmarks.dataset import write_dataset
from benchmarks.machine import load, machine
from benchmarks.processes import ROOT
from benchmarks.report import write_block
from syndb_lab.connection.local_service import temporary_service
from syndb_lab.lab import Lab
from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.triad_census import TRIADS, triadic_census
from syndb_service.graph.measures.triangles import enumerate_triangles
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.null_models.motif_significance import motif_significance

SAVED = Path(__file__).parent / "graph.json"
README = ROOT / "service" / "README.md"
BEGIN, END = "<!-- make bench-graph writes from here -->", "<!-- to here: bench-graph -->"
WORM = "celegans_varshney_2011"
SIZES = {
    "0.3 M": Shape(connections=300_000),
    "1 M": Shape(connections=1_000_000),
    "2.7 M": WHOLE_BRAIN,
    "15 M": UNTHRESHOLDED,
}
QUICK = {"0.03 M": Shape(neurons=3_000, connections=30_000)}
NETWORKX_MOST = 300_000
IGRAPH_MOST = 3_000_000
THREADS = 2
TARGETS = (
    ("2.7 M", "census, s", "≤", 3),
    ("2.7 M", "ratio to igraph", "≥", 30),
    ("2.7 M", "full job, s", "≤", 10),
    ("2.7 M", "peak memory, MB", "≤", 2_000),
    ("2.7 M", "100 samples, s", "≤", 300),
    ("15 M", "full job, s", "≤", 60),
    ("15 M", "peak memory, MB", "≤", 6_000),
)
COLUMNS = (
    "connections", "synapses", "census, s", "igraph, s", "ratio to igraph", "NetworkX, s",
    "ratio to NetworkX", "full job, s", "peak memory, MB", "100 samples, s", "load",
)  # fmt: skip


def time_work(work: Callable[[], Any], tries: int = 1) -> tuple[float, Any]:
    """Return the shortest time of the work, in seconds, and its output."""
    times, made = [], None
    for _ in range(tries):
        started = time.perf_counter()
        made = work()
        times.append(time.perf_counter() - started)
    return min(times), made


def compare_censuses(shape: Shape, wiring: Wiring) -> dict[str, float | None]:
    """Count the motifs with the kernels, igraph and NetworkX; exit if the counts differ."""
    pairs = np.stack([wiring.pre, wiring.post], axis=1)

    def ours() -> dict[str, int]:
        graph.__dict__.pop("dyads", None)
        graph.__dict__.pop("incoming", None)
        return triadic_census(graph, enumerate_triangles(graph, ThreadPool(THREADS)))

    graph = connectome_from_edges(shape.neurons, pairs, wiring.synapses)
    seconds, census = time_work(ours, 3)
    found: dict[str, float | None] = {"census, s": seconds}
    if shape.connections <= IGRAPH_MOST:
        other = igraph.Graph(n=shape.neurons, edges=pairs, directed=True)
        found["igraph, s"], theirs = time_work(other.triad_census)
        if [int(getattr(theirs, f"t{name}")) for name in TRIADS] != list(census.values()):
            raise SystemExit("igraph counts other motifs")
        found["ratio to igraph"] = (found["igraph, s"] or 0) / seconds
    if shape.connections <= NETWORKX_MOST:
        slow = nx.DiGraph(pairs.tolist())
        slow.add_nodes_from(range(shape.neurons))
        found["NetworkX, s"], counted = time_work(lambda: nx.triadic_census(slow))
        if counted != census:
            raise SystemExit("NetworkX counts other motifs")
        found["ratio to NetworkX"] = (found["NetworkX, s"] or 0) / seconds
    if shape == WHOLE_BRAIN:
        crew = ThreadPool(THREADS)
        work = lambda: motif_significance(graph, 100, 1, keep_reciprocity=True, thread_pool=crew)  # noqa: E731
        found["100 samples, s"], _ = time_work(work)
    return found


class Peak:
    """Peak memory, in bytes, of the largest descendant of this process."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _measure(self) -> None:
        while not self._ended.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                try:
                    self.bytes = max(self.bytes, process.memory_info().rss)
                except psutil.Error:
                    continue


def add(folder: Path, data_dir: Path) -> None:
    """Add a dataset folder with the command line."""
    command = [
        sys.executable,
        "-m",
        "syndb_service",
        "dataset",
        "add",
        str(folder),
        "--data-dir",
        str(data_dir),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_full_job(data_dir: Path, name: str) -> dict[str, float]:
    """Run a full analysis of a dataset over HTTP, after one that warms up the service."""
    with temporary_service(data_dir) as service, Lab(service.url, service.token()) as lab:
        lab.graph(WORM).wait(progress=False)
        with Peak() as peak:
            seconds, answer = time_work(lambda: lab.graph(name).answer())
    return {"full job, s": seconds, "peak memory, MB": peak.bytes / 1e6, "synapses": answer["synapse_count"]}


def compare_small_jobs(data_dir: Path, repeats: int) -> dict[str, Any]:
    """Compare graph and query jobs on *C. elegans*."""
    query, before = "SELECT count(*) FROM connections", load()
    with temporary_service(data_dir) as service, Lab(service.url, service.token()) as lab:
        lab.graph(WORM).wait(progress=False)
        pairs = [
            (
                time_work(lambda: lab.sql(query).result_path())[0],
                time_work(lambda: lab.graph(WORM).answer())[0],
            )
            for _ in range(repeats)
        ]
    queries, graphs = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    return {
        "query job, ms": queries,
        "graph job, ms": graphs,
        "added, ms": graphs - queries,
        "load": f"{before} before, {load()} after",
    }


def measure(shape: Shape, folder: Path) -> dict[str, Any]:
    """Measure one size; its dataset is written below ``folder``."""
    before = load()
    row: dict[str, Any] = {"connections": shape.connections, **compare_censuses(shape, wire(shape, seed=1))}
    name = f"made_up_{shape.connections}"
    write_dataset(folder / name, shape, 1, name)
    add(folder / name, folder / "service")
    row |= run_full_job(folder / "service", name)
    shutil.rmtree(folder)
    return row | {"load": f"{before} before, {load()} after", "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}


def markdown(measured: dict[str, Any]) -> str:
    """Format the table; cells that were not measured are empty."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---:|" * len(COLUMNS)]
    rows = [measured["sizes"][label] for label in SIZES if label in measured["sizes"]]
    for row in rows or measured["sizes"].values():
        lines.append("| " + " | ".join(_format_cell(row.get(column)) for column in COLUMNS) + " |")
    lines += ["", *(f"- {line}" for line in _target_lines(measured))]
    if small := measured.get("c_elegans"):
        text = ", ".join(
            f"{name.removesuffix(', ms')} {value:.0f} ms" for name, value in small.items() if name != "load"
        )
        lines.append(f"- *C. elegans*: {text}; load {small['load']}.")
    host = measured["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in sorted(host["versions"].items()))
    return "\n".join(
        [
            *lines,
            f"- {host['processor']}, {host['processors']} processors, {THREADS} threads; {versions}.",
            "",
        ]
    )


def _target_lines(measured: dict[str, Any]) -> list[str]:
    """Return which targets were held or missed."""
    found = []
    for label, column, sign, limit in TARGETS:
        value = measured["sizes"].get(label, {}).get(column)
        if value is not None:
            held = value <= limit if sign == "≤" else value >= limit
            outcome = "held" if held else "**missed**"
            found.append(f"{label}: {column} {sign} {limit:,}: {outcome} ({_format_cell(value)})")
    added = measured.get("c_elegans", {}).get("added, ms")
    if added is not None:
        found.append(f"a graph job adds ≤ 100 ms to a query job: {'held' if added <= 100 else '**missed**'}")
    return found


def _format_cell(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def load_saved() -> dict[str, Any]:
    """Return the saved measurements, by size."""
    found: dict[str, Any] = json.loads(SAVED.read_text()) if SAVED.exists() else {"sizes": {}}
    return found


def save(measured: dict[str, Any]) -> None:
    """Write the measurements to JSON, and the table to the page for operators."""
    SAVED.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    write_block(README, markdown(measured), BEGIN, END)


def main(words: list[str] | None = None) -> None:
    """Measure each size; print and save it when it is done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.graph", description=__doc__.partition(":")[0])
    parser.add_argument("sizes", nargs="*", choices=[[], *SIZES], help="default: all")
    parser.add_argument("--quick", action="store_true", help="one small size; nothing is saved")
    options = parser.parse_args(words)
    sizes = QUICK if options.quick else {label: SIZES[label] for label in options.sizes or SIZES}
    measured = ({"sizes": {}} if options.quick else load_saved()) | {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="syndb-bench-graph-") as folder:
        for label, shape in sizes.items():
            print(f"… {label}", file=sys.stderr, flush=True)
            measured["sizes"][label] = measure(shape, Path(folder) / label.replace(" ", ""))
            if not options.quick:
                save(measured)
        measured["c_elegans"] = compare_small_jobs(Path(folder) / "small", 3 if options.quick else 15)
    print(markdown(measured))
    if not options.quick:
        save(measured)


if __name__ == "__main__":
    main()
