"""The jobs of a user of bare Dramatiq: an actor that runs the query and writes a file.

``python -m dramatiq benchmarks.roles.bare_actor --processes 1 --threads 4``, with BENCH_REDIS_URL (the
broker), BENCH_PATHS (JSON: the Parquet files of the synapses) and BENCH_RESULTS (a folder).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import dramatiq
import duckdb
import pyarrow as pa
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.queries import view

BROKER = RedisBroker(url=os.environ["BENCH_REDIS_URL"])
BROKER.add_middleware(Results(backend=RedisBackend(url=os.environ["BENCH_REDIS_URL"])))
dramatiq.set_broker(BROKER)


@dramatiq.actor(queue_name="bare", store_results=True)
def run_query(name: str, sql: str) -> int:
    """Run a query in this thread without row, lease or child; write its Arrow file, return its row count."""
    with duckdb.connect() as connection:
        connection.execute(view("synapses", json.loads(os.environ["BENCH_PATHS"])))
        table: pa.Table = connection.sql(sql).to_arrow_table()
    file = Path(os.environ["BENCH_RESULTS"]) / f"{name}.arrow"
    with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return int(table.num_rows)
