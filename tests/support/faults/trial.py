"""One fault alone: jobs before it, the fault, and the same check as after a storm."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from syndb_service.domain.job_status import Status
from syndb_service.store.schema import jobs
from tests.support.faults.cluster import Cluster
from tests.support.faults.embedded import Embedded
from tests.support.faults.final_check import Report, nothing_left, read_events, settle
from tests.support.faults.storm_jobs import ENDLESS, FINAL, User, Wanted
from tests.support.waiting import WAIT_S, wait_until

S = TypeVar("S", Cluster, Embedded)

ROWS = 500_000


def small(number: int = 7) -> Wanted:
    """Return a query of one row."""
    body = {"query": f"SELECT {number} AS n"}
    return Wanted("/v1/jobs", body, "completed", lambda content: rows_of(content) == [{"n": number}])


def slow() -> Wanted:
    """Return a query of some seconds."""
    query = "SELECT count(*) AS n FROM (SELECT md5(range::VARCHAR) AS h FROM range(4000000)) WHERE h > ''"
    wanted = [{"n": 4_000_000}]
    return Wanted("/v1/jobs", {"query": query}, "completed", lambda content: rows_of(content) == wanted)


def large() -> Wanted:
    """Return a query whose result is of three parts."""
    query = f"SELECT range AS i, md5(range::VARCHAR) AS h FROM range({ROWS})"
    total = ROWS * (ROWS - 1) // 2
    return Wanted("/v1/jobs", {"query": query}, "completed", lambda content: _sum_of(content) == total)


def endless() -> Wanted:
    """Return a query that only ends when it is cancelled."""
    return Wanted("/v1/jobs", {"query": ENDLESS}, "cancelled")


def wrong() -> Wanted:
    """Return a query that fails while it runs."""
    return Wanted("/v1/jobs", {"query": "SELECT name::INT FROM neurons"}, "failed")


def rows_of(content: bytes) -> list[dict[str, Any]]:
    """Return the rows of an Arrow file."""
    rows: list[dict[str, Any]] = pa.ipc.open_file(io.BytesIO(content)).read_all().to_pylist()
    return rows


def _sum_of(content: bytes) -> int:
    return int(pc.sum(pa.ipc.open_file(io.BytesIO(content)).read_all()["i"]).as_py())


class Trial(Generic[S]):
    """What a fault is given: the service, and jobs that are to survive it."""

    def __init__(self, service: S, name: str) -> None:
        self.service = service
        self.report = Report(name, 0)
        self.users = service.users()
        self.ada, self.bob = self.users[:2]
        self.without_file = service.without_file
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self.bob.submit(small())

    def submit(self, wanted: Wanted, user: User | None = None) -> str:
        """Submit a job; return its id."""
        return (user or self.ada).submit(wanted)

    def running(self, wanted: Wanted, phase: str = "") -> str:
        """Submit a job; return its id once it runs, in that phase if one is named."""
        job_id = self.submit(wanted)

        def runs() -> bool:
            record = self.record(job_id)
            assert record["status"] not in FINAL, record
            return record["status"] == "running" and phase in (record["progress"] or {"phase": ""})["phase"]

        wait_until(runs, f"{job_id} does not run")
        return job_id

    def record(self, job_id: str) -> dict[str, Any]:
        """Return one of ada's jobs."""
        found: dict[str, Any] = self.ada.stubborn("GET", f"/v1/jobs/{job_id}").json()
        return found

    def final(self, job_id: str) -> dict[str, Any]:
        """Wait for the end of one of ada's jobs."""
        return self.ada.outcome(job_id, time.monotonic() + WAIT_S)

    def attempt(self, job_id: str, number: int) -> None:
        """Wait until a job is in that attempt, or a later one."""
        wait_until(lambda: self.record(job_id)["attempt"] >= number, f"{job_id} is not taken again")

    def status(self, job_id: str) -> Status:
        """Return a job's status past the service."""
        with self.service.database.read() as connection:
            row = connection.execute(select(jobs.c.status).where(jobs.c.job_id == job_id)).one()
        return Status(row.status)

    def worker_of(self, job_id: str) -> int:
        """Return the process that has a running job."""
        with self.service.database.read() as connection:
            row = connection.execute(select(jobs.c.worker).where(jobs.c.job_id == job_id)).one()
        return int(row.worker.split("/")[1])

    def meanwhile(self, work: Callable[[], object]) -> None:
        """Do something in a thread; :meth:`check` waits for its end, which has to be a good one."""

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def submit_meanwhile(self, wanted: Wanted) -> None:
        """Submit from a thread, as stubbornly as ever."""
        self.meanwhile(lambda: self.submit(wanted))

    def check(self) -> None:
        """Hold what holds after every fault: nothing lost, doubled, wrong or left; and it still serves."""
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive(), "somebody waits for ever"
        assert self._errors == []
        self.submit(small(8), self.users[2])
        settle(self.users, self.report, self.without_file)
        read_events(self.service.database, self.report)
        nothing_left(self.service.database, self.service.results, self.service.temp_path, self.without_file)
        found = (self.report.lost, self.report.doubled, self.report.wrong)
        assert found == ([], [], []), f"lost, doubled, wrong: {found}"
