"""Clients that wait for jobs to change, half by long poll and half on the stream of events.

Arguments: ``url``, ``token``, ``job_ids``. Prints READY when all clients wait. After a line on standard
input it prints, for each job and version, the time (monotonic) at which its client received it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import httpx


class Listeners:
    """The clients, each with its own connection."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        headers = {"Authorization": f"Bearer {arguments['token']}"}
        self._http = httpx.AsyncClient(
            base_url=arguments["url"], headers=headers, timeout=300, limits=limits, trust_env=False
        )
        self.known: dict[str, dict[int, float]] = {job_id: {} for job_id in arguments["job_ids"]}

    async def poll(self, job_id: str) -> None:
        """Long-poll until cancelled."""
        version = 0
        while True:
            params = {"wait": 60, "version": version}
            answer = await self._http.get(f"/v1/jobs/{job_id}", params=params)
            version = answer.json()["version"]
            self.known[job_id].setdefault(version, time.monotonic())

    async def listen(self, job_id: str) -> None:
        """Read the events until cancelled."""
        async with self._http.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    self.known[job_id].setdefault(int(line[4:]), time.monotonic())

    async def run(self) -> None:
        """Run the clients until a line arrives on standard input, then print the times."""
        waiting = [
            asyncio.create_task(self.poll(job_id) if number % 2 else self.listen(job_id))
            for number, job_id in enumerate(self.known)
        ]
        while not all(self.known.values()):
            await asyncio.sleep(0.05)
        print("READY", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        print(json.dumps(self.known), flush=True)


def main() -> None:
    """Run the clients."""
    asyncio.run(Listeners(json.loads(sys.argv[1])).run())


if __name__ == "__main__":
    main()
