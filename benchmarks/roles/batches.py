"""Bare DuckDB: produces the Arrow batches of a query and discards them.

Arguments: ``sql``, ``paths``, ``memory``. Prints seconds and rows.
"""

from __future__ import annotations

import json
import sys
import time

import duckdb

from benchmarks.queries import view


def main() -> None:
    """Produce the batches and discard them."""
    arguments = json.loads(sys.argv[1])
    connection = duckdb.connect(config={"memory_limit": arguments["memory"]})
    connection.execute(view("synapses", arguments["paths"]))
    began = time.perf_counter()
    rows = sum(batch.num_rows for batch in connection.sql(arguments["sql"]).to_arrow_reader(131_072))
    print(json.dumps({"seconds": time.perf_counter() - began, "rows": rows}))


if __name__ == "__main__":
    main()
