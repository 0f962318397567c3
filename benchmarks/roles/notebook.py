"""A notebook: alternates cells of syndb-lab and of the alternatives in one IPython.

Arguments: ``url``, ``token``, ``dataset``, ``paths`` (of its synapses), ``times``.
Prints the milliseconds of each cell.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from benchmarks.queries import STRONGEST, view


def cells(arguments: dict[str, Any], shell: InteractiveShell) -> dict[str, Callable[[str], str]]:
    """Prepare each way as a notebook's first cells do; return for each a function from SQL to its cell."""
    run(shell, "import duckdb, polars")
    ways: dict[str, Callable[[str], str]] = {}
    if arguments.get("url"):
        run(
            shell,
            "import syndb_lab\n%load_ext syndb_lab\n"
            f"lab = syndb_lab.connect({arguments['url']!r}, {arguments['token']!r})",
        )
        ways["ours"] = lambda sql: f"%%syndb frame --wait --quiet\n{sql}"
    create = view("synapses", arguments["paths"])
    run(shell, f"bare = duckdb.connect()\nbare.execute({create!r})")
    ways["duckdb"] = lambda sql: f"frame = bare.sql({sql!r}).pl()"
    if arguments["jupysql"]:
        run(
            shell,
            "%load_ext sql\n%config SqlMagic.feedback = 0\n%config SqlMagic.displaylimit = 0\n"
            f"other = duckdb.connect()\nother.execute({create!r})\n%sql other",
        )
        run(shell, "%config SqlMagic.autopolars = True")
        ways["jupysql"] = lambda sql: f"%%sql frame <<\n{sql}"
    return ways


def run(shell: InteractiveShell, cell: str) -> None:
    """Run a cell, and raise its error."""
    shell.run_cell(cell, silent=True).raise_error()  # type: ignore[no-untyped-call]


def main() -> None:
    """Run the cells in turn."""
    arguments = json.loads(sys.argv[1])
    os.environ["PLOOMBER_STATS_ENABLED"] = "false"
    shell = InteractiveShell.instance()
    ways = cells(arguments, shell)
    took: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(arguments["times"] + arguments["warm"]):
        sql = STRONGEST.format(dataset=arguments["dataset"], limit=100 + turn)
        for way, cell in ways.items():
            text = cell(sql)
            before = time.perf_counter()
            run(shell, text)
            elapsed = 1000 * (time.perf_counter() - before)
            frame = shell.user_ns["frame"]
            if type(frame).__module__.partition(".")[0] != "polars" or len(frame) != 100 + turn:
                raise RuntimeError(f"{way} gave {type(frame)}")
            if turn >= arguments["warm"]:
                took[way].append(elapsed)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
