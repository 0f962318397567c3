"""The same users as in :mod:`benchmarks.roles.clients`, with a bare Dramatiq actor behind the broker.

Arguments: ``queries`` (a list for each client). Prints the seconds from the first message to the last result.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path

from benchmarks.roles.bare_actor import run_query


def one_client(queries: list[str], together: threading.Barrier, ended: list[int]) -> None:
    """Send all, then wait for each and read its file."""
    together.wait()
    sent = []
    for query in queries:
        name = uuid.uuid4().hex
        sent.append((name, run_query.send(name, query)))
    for name, message in sent:
        message.get_result(block=True, timeout=300_000)
        ended.append(len((Path(os.environ["BENCH_RESULTS"]) / f"{name}.arrow").read_bytes()))


def main() -> None:
    """Run the clients."""
    arguments = json.loads(sys.argv[1])
    together = threading.Barrier(len(arguments["queries"]) + 1)
    ended: list[int] = []
    clients = [
        threading.Thread(target=one_client, args=(queries, together, ended))
        for queries in arguments["queries"]
    ]
    for client in clients:
        client.start()
    together.wait()
    began = time.perf_counter()
    for client in clients:
        client.join()
    if len(ended) != sum(map(len, arguments["queries"])):
        raise SystemExit("some messages were not completed")
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
