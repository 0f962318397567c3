"""Questions and answers in any order: a widget shows what it asked for last, and nothing of another job."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import httpx
import pyarrow as pa
import pytest
from IPython.core.interactiveshell import InteractiveShell

from syndb_lab import Job
from syndb_lab.http.transport import Transport
from syndb_lab.notebook.card.job_card import JobCard
from syndb_lab.notebook.composer.composer import Composer
from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.notebook.monitor import Monitor
from tests.support.lab_fakes import Answer, arrow_file, job_record, result_info
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

Pretend = Callable[[Answer], Transport]
LONGEST_S = 0.02


@pytest.fixture(autouse=True)
def _shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("syndb_lab.http.job_events.PAUSES_S", (0.01,))
    monkeypatch.setattr("syndb_lab.notebook.card.job_card.PACE_S", 0.0)
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


class Jobs:
    """A service whose every answer takes another time; a job's rows hold its own number and nothing else."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.statuses: dict[str, str] = {}

    def record(self, job_id: str) -> dict[str, Any]:
        status = self.statuses[job_id]
        version = 2 if status == "cancelled" else 1
        if status != "completed":
            return job_record(status, job_id=job_id, version=version)
        result = result_info(self.rows(job_id))
        return job_record(
            status, job_id=job_id, version=version, result=result, expires_at="2999-01-01T00:00:00Z"
        )

    def rows(self, job_id: str) -> bytes:
        return arrow_file(pa.table({"made_by": [f"row of {job_id}"]}))

    def submit(self) -> str:
        with self._lock:
            job_id = f"{next(self._numbers):08d}-job"
            self.statuses[job_id] = self._random.choice(["completed", "completed", "failed", "running"])
        return job_id

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            pause, is_refused = self._random.random() * LONGEST_S, self._random.random() < 0.2
        time.sleep(pause)
        path = request.url.path
        if request.method == "POST":
            if is_refused:
                return httpx.Response(429, json={"detail": "too many open jobs", "code": "too_many_jobs"})
            return httpx.Response(202, json=self.record(self.submit()))
        job_id = path.split("/")[3]
        if request.method == "DELETE":
            if self.statuses[job_id] == "running":
                self.statuses[job_id] = "cancelled"
            return httpx.Response(200, json=self.record(job_id))
        if path.endswith(("/preview", "/result")):
            return httpx.Response(200, content=self.rows(job_id))
        if path.endswith("/events"):
            return httpx.Response(200, text="no stream")
        return httpx.Response(200, json=self.record(job_id))


class Output:
    """A cell's output as it is saved."""

    html = ""

    def update(self, bundle: dict[str, Any], *, raw: bool) -> None:
        self.html = bundle["text/html"]


@pytest.mark.parametrize("seed", range(12))
def test_a_card_shows_the_row_of_its_own_job(pretend: Pretend, seed: int) -> None:
    random, jobs, output = Random(seed), Jobs(seed), Output()
    namespace: dict[str, Any] = {}

    def load(job: Job, _: Any) -> str:
        namespace[job.id] = job.to_arrow()
        return f"loaded {job.id}"

    transport = pretend(jobs)
    card = JobCard(Job(transport, jobs.record(jobs.submit())), load, lambda old, new: f"a rerun of {old.id}")
    card.show(output)
    seen = [card.job.id]
    for _ in range(15):
        click: dict[str, Any] = {"do": random.choice(["rerun", "rerun", "load", "cancel"])}
        if random.random() < 0.5:
            click["job_id"] = random.choice(seen)
        if click["do"] == "load":  # offered for a result alone
            click["job_id"] = card.job.id
            if jobs.statuses[click["job_id"]] != "completed":
                continue
        card.handle_click(click)
        time.sleep(random.random() * LONGEST_S)
        seen.append(card.job.id)

    def is_at_rest() -> bool:
        if jobs.statuses[card.job.id] == "running":
            card.handle_click({"do": "cancel"})
        return "syndb-card" not in {thread.name for thread in threading.enumerate()}

    wait_until(is_at_rest)
    shown, row = card._widget.card, jobs.statuses[card.job.id]
    assert (shown["job_id"], shown["status"], card.job.status) == (card.job.id, row, row)
    assert f"syndb-job-{card.job.id}" in output.html
    mentioned = {job_id for job_id in jobs.statuses if f"row of {job_id}" in output.html}
    assert mentioned <= {card.job.id}
    assert all(table["made_by"].to_pylist() == [f"row of {job_id}"] for job_id, table in namespace.items())
    card.close()


@pytest.mark.parametrize("seed", range(6))
def test_a_monitor_shows_the_newest_list_that_it_asked_for(pretend: Pretend, seed: int) -> None:
    random, lock, asked = Random(seed), threading.Lock(), itertools.count(1)
    answered: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        with lock:
            number, pause = next(asked), random.random() * LONGEST_S
        row = job_record("running", job_id=f"{number:08d}", created_at="2026-01-01T00:00:00Z")
        time.sleep(pause)
        with lock:
            answered.append(number)
        return httpx.Response(200, json={"jobs": [row], "next_cursor": None})

    monitor = Monitor(pretend(answer), 10, {}, Job)
    threads = []
    for _ in range(20):
        threads.append(threading.Thread(target=monitor._fetch_jobs))
        threads[-1].start()
        time.sleep(random.random() * LONGEST_S / 4)
        shown = monitor._records
        assert not shown or int(shown[0]["job_id"]) <= max(answered)
    for thread in threads:
        thread.join()
    assert (
        int(monitor._records[0]["job_id"]) >= 19
    )  # two that start together may reach the service in either order


@pytest.mark.parametrize("seed", range(6))
def test_a_composer_shows_the_last_run_and_keeps_the_newest_draft(pretend: Pretend, seed: int) -> None:
    random = Random(seed)
    pauses = [random.random() * LONGEST_S for _ in range(100)]
    composer = Composer.__new__(Composer)
    outputs = [Output(), Output(), Output()]
    taken: list[str] = []

    class Service:
        url, has_schema = "http://service", True

        def check(self, draft: Draft) -> dict[str, Any]:
            time.sleep(pauses[draft.serial])
            return {"serial": draft.serial}

        def jobs(self) -> list[Any]:
            return []

        def submit(self, draft: Draft) -> Any:
            time.sleep(pauses[-draft.serial])
            return type("Submitted", (), {"id": draft.sql})()

    attributes: dict[str, Any] = {
        "_backend": Service(),
        "_element": type("Element", (), {"checked": {}})(),
        "_closed": False,
        "_lock": threading.RLock(),
        "_saved_draft": None,
        "_is_saved": True,
        "_key": "k",
        "_outputs": outputs,
        "_show_job": lambda job: taken.append(job.id),
    }
    for name, value in attributes.items():
        setattr(composer, name, value)
    threads = []
    for serial in range(1, 25):
        draft = Draft(sql=f"SELECT {serial}", serial=serial, by="page")
        work = composer._run if random.random() < 0.5 else None
        args: tuple[Any, ...] = (draft, f"run {serial}", serial) if work else (draft,)
        threads.append(threading.Thread(target=work or composer._check, args=args))
        threads[-1].start()
        last_run = draft.sql if work else locals().get("last_run", "")
        time.sleep(random.random() * LONGEST_S / 2)
    for thread in threads:
        thread.join()
    assert taken == sorted(taken, key=lambda sql: int(sql.split()[1]))
    assert taken[-1] == last_run
    assert "SELECT 24" in outputs[1].html
