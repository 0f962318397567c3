"""The mixed jobs of a storm: what is submitted, and what must come of it."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc

ENDLESS = "SELECT count(*) FROM range(100000000000000) WHERE (range * 31) % 7 = 3"
DATASET = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
FINAL = ("completed", "failed", "cancelled")


@dataclass
class Wanted:
    """One job: its request, the status it must end in, and the check of its result."""

    route: str
    body: dict[str, Any]
    status: str
    right: Callable[[bytes], bool] = lambda content: True
    cancel_after_s: float | None = None


def table(content: bytes) -> pa.Table:
    return pa.ipc.open_file(io.BytesIO(content)).read_all()


def make_job(chance: random.Random) -> Wanted:
    """Draw one job."""
    kind = chance.choices(["small", "long", "large", "graph", "wrong", "cancelled"], [8, 3, 2, 2, 1, 2])[0]
    salt, rows = chance.randrange(10**9), chance.randrange(1, 3000)
    if kind == "small":
        query = f"SELECT range AS i, md5((range + {salt})::VARCHAR) AS h FROM range({rows})"
        hashes = [hashlib.md5(str(i + salt).encode()).hexdigest() for i in range(rows)]
        return _query(
            query, lambda content: table(content).to_pydict() == {"i": list(range(rows)), "h": hashes}
        )
    if kind == "long":
        hashes_of = "(SELECT md5(range::VARCHAR) AS h FROM range(3000000))"
        query = f"SELECT count(*) AS n, {salt} AS s FROM {hashes_of} WHERE h > ''"
        return _query(query, lambda content: table(content).to_pylist() == [{"n": 3_000_000, "s": salt}])
    if kind == "large":
        query = f"SELECT range + {salt} AS i, md5(range::VARCHAR) AS h FROM range(300000)"
        total = sum(range(300_000)) + 300_000 * salt
        return _query(query, lambda content: pc.sum(table(content)["i"]).as_py() == total)
    if kind == "graph":
        body = {"dataset_id": DATASET, "seed": salt}
        return Wanted("/v1/jobs/graph", body, "completed", lambda content: b'"300": 48' in content)
    if kind == "wrong":
        return Wanted("/v1/jobs", {"query": f"SELECT name::INT + {salt} FROM neurons"}, "failed")
    return Wanted("/v1/jobs", {"query": ENDLESS}, "cancelled", cancel_after_s=chance.uniform(0, 3))


def _query(query: str, right: Callable[[bytes], bool]) -> Wanted:
    return Wanted("/v1/jobs", {"query": query}, "completed", right)


@dataclass
class User:
    """Submits jobs as a stubborn client does: the same key again until there is an answer."""

    http: Callable[[], httpx.Client]
    accepted: dict[str, Wanted] = field(default_factory=dict)
    cancels: list[threading.Thread] = field(default_factory=list)

    def submit(self, wanted: Wanted) -> str:
        """Submit a job until it is accepted; return its id."""
        key = str(uuid.uuid4())
        answer = self.stubborn("POST", wanted.route, json=wanted.body, headers={"Idempotency-Key": key})
        assert answer.status_code in (200, 202), answer.text
        job_id: str = answer.json()["job_id"]
        assert job_id not in self.accepted
        self.accepted[job_id] = wanted
        if wanted.cancel_after_s is not None:
            thread = threading.Thread(target=self._cancel, args=(job_id, wanted.cancel_after_s))
            thread.start()
            self.cancels.append(thread)
        return job_id

    def stubborn(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask until there is an answer that is no outage."""
        until = time.monotonic() + 180
        while True:
            try:
                with self.http() as http:
                    answer = http.request(method, path, **request)
                if answer.status_code < 500:
                    return answer
                assert answer.status_code in (503, 507), answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < until, "the service does not come back"
            time.sleep(0.1)

    def _cancel(self, job_id: str, after_s: float) -> None:
        time.sleep(after_s)
        self.stubborn("DELETE", f"/v1/jobs/{job_id}")

    def outcome(self, job_id: str, until: float) -> dict[str, Any]:
        """Wait for a job's end."""
        record: dict[str, Any] = self.stubborn("GET", f"/v1/jobs/{job_id}").json()
        while record["status"] not in FINAL:
            assert time.monotonic() < until, f"stuck: {record}"
            wait = {"wait": 10, "version": record["version"]}
            record = self.stubborn("GET", f"/v1/jobs/{job_id}", params=wait).json()
        return record
