"""Ten thousand jobs of all kinds, and everything that goes wrong around them: it ends where it began.

SYNDB_SOAK_JOBS=10000 SYNDB_SOAK_SEED=1 python -m tests.soak
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psutil

from syndb_lab import Lab
from tests.soak.samples import Sample, sample, table
from tests.soak.scenarios import ERRANDS, Place
from tests.support.live_service import Live, running_service

AT_A_TIME: Final = 6
SETTLE_S: Final = 120
SAMPLES: Final = 6
SETTINGS: Final = {
    "SYNDB_RATE_REQUESTS": "0",
    "SYNDB_SWEEP_S": "1",
    "SYNDB_ORPHAN_SWEEP_S": "5",
    "SYNDB_LEASE_S": "10",
    "SYNDB_MAX_DEATHS": "20",
    "JOB_RESULT_TTL_HOURS": "1",
}


class Soak:
    """A service, a client, and what both held when they began.

    Parameters
    ----------
    live : Live
        The service.
    folder : Path
        Where both have their files.
    seed : int
        Of what is done when.
    seconds : float
        After how long no more jobs are made.
    """

    def __init__(self, live: Live, folder: Path, seed: int, seconds: float) -> None:
        self.live, self._folder, self._seed = live, folder, seed
        self.lab = Lab(live.url, live.token)
        self.jobs = 0
        self.done = Counter[str]()
        self.took = Counter[str]()
        self.failures: list[str] = []
        self.rows: list[tuple[str, int, float, Sample, Sample]] = []
        self._started = time.monotonic()
        self._until = self._started + seconds
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Whether no more jobs are to be made: the time is over, or too much went wrong."""
        return time.monotonic() > self._until or len(self.failures) > 20

    def samples(self) -> tuple[Sample, Sample]:
        """Return what the service holds, and what the client does: its own process, without the service."""
        data, client = self.live.data_dir, self._folder / "client"
        service = sample(self.live.process.pid, [data / "results"], [data / "tmp", self._folder / "tmp"])
        ours = sample(os.getpid(), [client / "cache"], [client / "tmp"])
        counted = {"descriptors", "threads", "processes", "memory"}
        alone = {name: getattr(ours, name) - getattr(service, name) for name in counted}
        return service, Sample(**alone, files=ours.files, temporary=ours.temporary)

    def note(self, when: str) -> None:
        """Take a row of the table."""
        service, client = self.samples()
        self.rows.append((when, self.jobs, time.monotonic() - self._started, service, client))
        print(f"{when}: {self.jobs:,} jobs, {self.rows[-1][2]:.0f} s", flush=True)

    def work(self, jobs: int, *, each: bool = False) -> None:
        """Do errands until so many jobs were made; with ``each`` every kind once before."""
        target = self.jobs + jobs
        errands = iter([*ERRANDS] if each else [])
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(lambda number: self._work(number, target, errands), range(AT_A_TIME)))

    def _work(self, number: int, target: int, errands: Iterator[object]) -> None:
        chance = random.Random(f"{self._seed} {number} {target}")
        with self.live.http() as http:
            place = Place(self.live, self.lab, http, chance)
            while True:
                with self._lock:
                    errand = next(errands, None)
                    if errand is None and (self.jobs >= target or self.is_over):
                        return
                errand = errand or chance.choices([*ERRANDS], [*ERRANDS.values()])[0]
                began = time.monotonic()
                try:
                    made = errand(place)  # type: ignore[operator]
                except Exception:
                    self.failures.append(f"{errand.__name__}: {traceback.format_exc()}")  # type: ignore[attr-defined]
                    made = 1
                with self._lock:
                    self.jobs += made
                    self.done[errand.__name__] += 1  # type: ignore[attr-defined]
                    self.took[errand.__name__] += time.monotonic() - began  # type: ignore[attr-defined]

    def purge(self) -> None:
        """End what still runs, and destroy what is stored."""
        with self.live.http() as http:
            for status in ("pending", "running"):
                for job in http.get("/v1/jobs", params={"status": status, "limit": 500}).json()["jobs"]:
                    http.delete(f"/v1/jobs/{job['job_id']}")
            cursor: str | None = ""
            while cursor is not None:
                page = http.get(
                    "/v1/jobs", params={"limit": 500, **({"cursor": cursor} if cursor else {})}
                ).json()
                cursor = page["next_cursor"]
                for job in page["jobs"]:
                    if job["result"]:
                        http.delete(f"/v1/jobs/{job['job_id']}", params={"purge": "true"})

    def settled(self, service: Sample, client: Sample) -> list[str]:
        """Wait until nothing is held that was not held at first; say what is in the end."""
        over = time.monotonic() + SETTLE_S
        while True:
            now = self.samples()
            grown = [f"service: {each}" for each in now[0].above(service)]
            grown += [f"client: {each}" for each in now[1].above(client)]
            if not grown or time.monotonic() > over:
                return grown
            time.sleep(1)

    def quiet(self) -> None:
        """Wait until what the warm-up has left is gone: the same twice, five seconds apart."""
        last, over = self.samples(), time.monotonic() + SETTLE_S / 2
        while time.monotonic() < over:
            time.sleep(3)
            now = self.samples()
            if not (
                now[0].above(last[0])
                or now[1].above(last[1])
                or last[0].above(now[0])
                or last[1].above(now[1])
            ):
                return
            last = now


def main() -> int:
    """Run it; return 0 if both sides end as they began and every errand went as it should."""
    jobs, seed = int(os.environ.get("SYNDB_SOAK_JOBS", "10000")), int(os.environ.get("SYNDB_SOAK_SEED", "1"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syndb-soak-")))
        for name in ("tmp", "client/tmp", "client/cache", "client/state"):
            (folder / name).mkdir(parents=True)
        live = stack.enter_context(running_service(folder, **SETTINGS, TMPDIR=str(folder / "tmp")))
        tempfile.tempdir = str(folder / "client" / "tmp")
        os.environ |= {
            "XDG_CACHE_HOME": str(folder / "client" / "cache"),
            "XDG_STATE_HOME": str(folder / "client" / "state"),
        }
        soak = Soak(live, folder, seed, float(os.environ.get("SYNDB_SOAK_S", "3600")))
        soak.work(min(60, jobs // 3), each=True)
        soak.purge()
        soak.quiet()
        soak.note("after the warm-up")
        first = soak.rows[0][3], soak.rows[0][4]
        steps = min(SAMPLES, max(1, jobs // 100))
        for step in range(steps):
            if soak.is_over:
                break
            soak.work(jobs // steps)
            soak.note("in between" if step < steps - 1 else "after the last job")
        soak.purge()
        grown = soak.settled(*first)
        soak.note("purged and swept")
        soak.lab.close()
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith("syndb")]
        left += [f"connection to {one.raddr}" for one in psutil.Process().net_connections() if one.raddr]
        print(table(soak.rows))
        each = (
            f"{count} × {name} ({soak.took[name] / count:.2f} s)" for name, count in soak.done.most_common()
        )
        print(", ".join(each))
    for failure in soak.failures[:5]:
        print(failure, file=sys.stderr)
    for what in [*(f"left after the end: {one}" for one in left), *(f"grown: {one}" for one in grown)]:
        print(what, file=sys.stderr)
    return int(bool(soak.failures or grown or left))


if __name__ == "__main__":
    sys.exit(main())
