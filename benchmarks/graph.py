"""``python -m benchmarks.graph [--quick]``: graph analyses beside NetworkX and igraph, printed and saved.

Each connectome is made up (``connectome.py``), written as a dataset, added, and analysed by a graph job of a
service of its own: Parquet → DuckDB → graph → analysis → JSON. The census is measured again beside the
libraries' in one process, each on the same connections, and the counts have to be equal.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import psutil

from benchmarks.connectome import UNTHRESHOLDED, WHOLE_BRAIN, Shape, Wiring, wire
from benchmarks.dataset import write_dataset
from benchmarks.machine import load, machine
from syndb_lab.client import Lab
from syndb_lab.starter import own_service
from syndb_service.engines.graph.connectome import of_edges
from syndb_service.engines.graph.crew import Crew
from syndb_service.engines.graph.significance import motif_significance
from syndb_service.engines.graph.triads import TRIADS, triadic_census
from syndb_service.engines.graph.triangles import enumerate_triangles

HERE = Path(__file__).parent
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
COLUMNS = (
    "connections", "synapses", "census, s", "igraph, s", "ratio to igraph", "NetworkX, s",
    "ratio to NetworkX",    "full job, s", "peak memory, MB", "100 samples, s",
)  # fmt: skip


def timed(work: Callable[[], Any], tries: int = 1) -> tuple[float, Any]:
    """Return the shortest time that the work took, in seconds, and what it made."""
    times, made = [], None
    for _ in range(tries):
        started = time.perf_counter()
        made = work()
        times.append(time.perf_counter() - started)
    return min(times), made


def censuses(shape: Shape, wiring: Wiring) -> dict[str, float | None]:
    """Count the motifs three times, and make sure that the counts are the same."""
    pairs = np.stack([wiring.pre, wiring.post], axis=1)

    def ours() -> dict[str, int]:
        graph.__dict__.pop("dyads", None)
        graph.__dict__.pop("incoming", None)
        return triadic_census(graph, enumerate_triangles(graph, Crew(THREADS)))

    graph = of_edges(shape.neurons, pairs, wiring.synapses)
    seconds, census = timed(ours, 3)
    found: dict[str, float | None] = {"census, s": seconds}
    if shape.connections <= IGRAPH_MOST:
        other = igraph.Graph(n=shape.neurons, edges=pairs, directed=True)
        found["igraph, s"], theirs = timed(other.triad_census)
        if [int(getattr(theirs, f"t{name}")) for name in TRIADS] != list(census.values()):
            raise SystemExit("igraph counts other motifs")
        found["ratio to igraph"] = (found["igraph, s"] or 0) / seconds
    if shape.connections <= NETWORKX_MOST:
        slow = nx.DiGraph(pairs.tolist())
        slow.add_nodes_from(range(shape.neurons))
        found["NetworkX, s"], counted = timed(lambda: nx.triadic_census(slow))
        if counted != census:
            raise SystemExit("NetworkX counts other motifs")
        found["ratio to NetworkX"] = (found["NetworkX, s"] or 0) / seconds
    if shape == WHOLE_BRAIN:
        crew = Crew(THREADS)
        work = lambda: motif_significance(graph, 100, 1, keep_reciprocity=True, crew=crew)  # noqa: E731
        found["100 samples, s"], _ = timed(work)
    return found


class Peak:
    """The most memory that a process below this one held while it was looked at, in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                try:
                    self.bytes = max(self.bytes, process.memory_info().rss)
                except psutil.Error:
                    continue


def add(folder: Path, data_dir: Path) -> None:
    """Add a dataset folder as a user does."""
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


def jobs(
    data_dir: Path, names: list[str], repeats: int
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Run a full analysis of each dataset, then compare graph and query jobs on *C. elegans*."""
    found = {}
    with own_service(data_dir) as service, Lab(service.url, service.token()) as lab:
        worm = lab.datasets().named("celegans_varshney_2011")
        lab.graph(worm).wait(progress=False)
        for name in names:
            with Peak() as peak:
                seconds, answer = timed(lambda name=name: lab.graph(name).answer())  # type: ignore[misc]
            found[name] = {
                "full job, s": seconds,
                "peak memory, MB": peak.bytes / 1e6,
                "synapses": answer["synapse_count"],
            }
        query = "SELECT count(*) FROM connections"
        pairs = [
            (timed(lambda: lab.sql(query).result_path())[0], timed(lambda: lab.graph(worm).answer())[0])
            for _ in range(repeats)
        ]
    small = {
        "query job, ms": statistics.median(query for query, _ in pairs) * 1000,
        "graph job, ms": statistics.median(graph for _, graph in pairs) * 1000,
    }
    return found, small | {"added, ms": small["graph job, ms"] - small["query job, ms"]}


def measure(sizes: dict[str, Shape], folder: Path, repeats: int) -> dict[str, Any]:
    """Measure every size; the datasets lie below ``folder``."""
    before, rows, names = load(), {}, {}
    for number, (label, shape) in enumerate(sizes.items()):
        print(f"{label}: drawing, counting …", flush=True)
        rows[label] = {"connections": shape.connections, **censuses(shape, wire(shape, seed=1))}
        names[label] = f"made_up_{number}"
        write_dataset(folder / names[label], shape, 1, names[label])
        add(folder / names[label], folder / "service")
    print("graph jobs …", flush=True)
    found, small = jobs(folder / "service", list(names.values()), repeats)
    for label, name in names.items():
        rows[label] |= found[name]
    return {
        "machine": machine(),
        "load": f"{before} before, {load()} after",
        "threads": THREADS,
        "sizes": rows,
        "c_elegans": small,
    }


def markdown(measured: dict[str, Any]) -> str:
    """Write the table; what was not measured is left empty."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---:|" * len(COLUMNS)]
    for row in measured["sizes"].values():
        lines.append("| " + " | ".join(_written(row.get(column)) for column in COLUMNS) + " |")
    small = ", ".join(
        f"{name.removesuffix(', ms')} {value:.0f} ms" for name, value in measured["c_elegans"].items()
    )
    where = json.dumps(measured["machine"]) if isinstance(measured["machine"], dict) else measured["machine"]
    return "\n".join([*lines, "", f"*C. elegans*: {small}.", "", f"{where}; load {measured['load']}.", ""])


def _written(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--quick", action="store_true", help="a small size, for function; nothing is saved")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syndb-bench-graph-") as folder:
        measured = measure(QUICK if asked.quick else SIZES, Path(folder), 3 if asked.quick else 15)
    print(markdown(measured))
    if not asked.quick:
        (HERE / "graph.json").write_text(json.dumps(measured, indent=1) + "\n")
        (HERE / "graph.md").write_text(f"# Graph analyses: `make bench-graph`\n\n{markdown(measured)}")


if __name__ == "__main__":
    main()
