"""DuckDB alone: the Arrow batches of a query, dropped.

Told: ``sql``, ``paths``, ``memory``. Prints seconds and rows.
"""

from __future__ import annotations

import json
import sys
import time

import duckdb

from benchmarks.queries import view


def main() -> None:
    """Produce and drop."""
    told = json.loads(sys.argv[1])
    connection = duckdb.connect(config={"memory_limit": told["memory"]})
    connection.execute(view("synapses", told["paths"]))
    began = time.perf_counter()
    rows = sum(batch.num_rows for batch in connection.sql(told["sql"]).to_arrow_reader(131_072))
    print(json.dumps({"seconds": time.perf_counter() - began, "rows": rows}))


if __name__ == "__main__":
    main()
