"""Concurrent users: each submits its jobs and then downloads every result.

Arguments: ``url``, ``token``, ``queries`` (a list for each client). Prints the seconds from the first
submission to the last downloaded result, and the ids of the jobs.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import httpx


class Client(threading.Thread):
    """One user with its own connection."""

    def __init__(self, url: str, token: str, queries: list[str], start: threading.Barrier) -> None:
        super().__init__()
        self._queries = queries
        self._start_together = start
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=300, trust_env=False
        )
        self.job_ids: list[str] = []
        self.bytes = 0

    def run(self) -> None:
        """Submit all, then wait for each and fetch its result."""
        self._start_together.wait()
        records = [self._http.post("/v1/jobs", json={"query": query}) for query in self._queries]
        for answer in records:
            record = answer.raise_for_status().json()
            url = f"/v1/jobs/{record['job_id']}"
            while record["status"] in ("pending", "running"):
                wait = {"wait": 30, "version": record["version"]}
                record = self._http.get(url, params=wait).raise_for_status().json()
            if record["status"] != "completed":
                raise RuntimeError(record["error_message"])
            self.bytes += len(self._http.get(f"{url}/result").raise_for_status().content)
            self.job_ids.append(record["job_id"])


def main() -> None:
    """Run the clients."""
    arguments = json.loads(sys.argv[1])
    together = threading.Barrier(len(arguments["queries"]) + 1)
    clients = [
        Client(arguments["url"], arguments["token"], queries, together) for queries in arguments["queries"]
    ]
    for client in clients:
        client.start()
    together.wait()
    began = time.perf_counter()
    for client in clients:
        client.join()
    elapsed = time.perf_counter() - began
    job_ids = [job_id for client in clients for job_id in client.job_ids]
    if len(job_ids) != sum(map(len, arguments["queries"])):
        raise SystemExit("some jobs did not complete")
    print(json.dumps({"seconds": elapsed, "job_ids": job_ids}))


if __name__ == "__main__":
    main()
