"""One client in many processes: whatever makes them, each answer belongs to its question."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import select
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import syndb_lab
from syndb_lab import Job, Lab
from syndb_lab.http.service_tokens import save_token
from syndb_lab.user_data import job_journal

if TYPE_CHECKING:
    from tests.support.live_service import Live

CHILDREN = 5
QUESTIONS = 4
LIMIT_S = 120.0
WHOLE = "SELECT i AS n FROM range({n}) r(i)"


@pytest.fixture
def lab(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save_token(live.url, live.token)
    with syndb_lab.connect(live.url, live.token) as lab:
        lab.datasets()  # so that a connection is open
        yield lab


def answers(lab: Lab, start: int) -> list[tuple[int, int]]:
    """Ask several questions; return of each its number and the answer's."""
    found = []
    for number in range(start, start + QUESTIONS):
        job = lab.sql(f"SELECT {number} AS n", label=f"fork {number}")
        again = lab.job(job.id)
        assert (again.label, again.query) == (f"fork {number}", f"SELECT {number} AS n")
        found.append((number, job.wait(progress=False).to_arrow()["n"][0].as_py()))
    return found


def own_answers(start: int) -> list[tuple[int, int]]:
    """Ask with the client of the module, which a child of fork inherits."""
    assert INHERITED
    return answers(INHERITED[0], start)


INHERITED: list[Lab] = []


def forked(work: Callable[[int], Any], count: int = CHILDREN) -> list[Any]:
    """Run work in children of ``os.fork``, all at once; return what each gives."""
    pipes = []
    for number in range(count):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(read)
                said: Any = ["right", work(number)]
            except BaseException:
                said = ["wrong", traceback.format_exc()]
            os.write(write, json.dumps(said).encode())
            os._exit(0)
        os.close(write)
        pipes.append((child, read))
    found = []
    for child, read in pipes:
        ready, _, _ = select.select([read], [], [], LIMIT_S)
        if not ready:
            os.kill(child, 9)
        text = os.read(read, 1 << 20)
        os.close(read)
        os.waitpid(child, 0)
        assert text, "a child said nothing"
        verdict, value = json.loads(text)
        assert verdict == "right", value
        found.append(value)
    return found


def check(found: list[Any]) -> None:
    pairs = [tuple(pair) for one in found for pair in one]
    assert len(pairs) == CHILDREN * QUESTIONS
    assert all(asked == answered for asked, answered in pairs), pairs


def starts() -> list[int]:
    return [1000 * (number + 1) for number in range(CHILDREN)]


def test_children_of_os_fork_have_connections_of_their_own(lab: Lab) -> None:
    check(forked(lambda number: answers(lab, 1000 * (number + 1))))
    assert answers(lab, 7)[0] == (7, 7)
    written = {entry.title for entry in job_journal.entries()}
    assert {f"fork {start + n}" for start in starts() for n in range(QUESTIONS)} <= written


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
def test_pools_of_multiprocessing(lab: Lab, way: str) -> None:
    with multiprocessing.get_context(way).Pool(CHILDREN) as pool:
        tasks = [pool.apply_async(answers, (lab, start)) for start in starts()]
        check([task.get(LIMIT_S) for task in tasks])


def test_a_pool_of_futures_that_inherits_the_client(lab: Lab) -> None:
    INHERITED[:] = [lab]
    with ProcessPoolExecutor(CHILDREN, mp_context=multiprocessing.get_context("fork")) as pool:
        check(list(pool.map(own_answers, starts(), timeout=LIMIT_S)))


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_joblib(lab: Lab, backend: str) -> None:
    joblib = pytest.importorskip("joblib", reason="needs joblib: pip install -e .[dev]")
    tasks = (joblib.delayed(answers)(lab, start) for start in starts())
    check(joblib.Parallel(CHILDREN, backend=backend, timeout=LIMIT_S)(tasks))


def test_a_program_that_a_kernel_starts(live: Live, lab: Lab, tmp_path: Path) -> None:
    job = lab.sql("SELECT 12 AS n").wait()
    kept = tmp_path / "job.pickle"
    kept.write_bytes(pickle.dumps(job))
    code = (
        f"import pickle; print(pickle.load(open({str(kept)!r}, 'rb')).refresh().to_arrow()['n'][0].as_py())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "12", done.stderr
    assert live.token.encode() not in kept.read_bytes()


def test_a_fork_while_threads_are_at_work(lab: Lab) -> None:
    """Threads wait, stream and download in the parent: their locks and sockets do not reach the children."""
    slow = lab.sql("SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE a.range % 7 = 3")
    stopped = threading.Event()
    asked: list[list[tuple[int, int]]] = []
    wrong: list[BaseException] = []

    def busy(start: int) -> None:
        try:
            while not stopped.is_set():
                asked.append(answers(lab, start))
        except BaseException as error:
            wrong.append(error)

    def waits() -> None:
        try:
            slow.wait(progress=False)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=busy, args=(start,)) for start in (50000, 60000)]
    threads.append(threading.Thread(target=waits))
    for thread in threads:
        thread.start()
    try:
        check(forked(lambda number: answers(lab, 1000 * (number + 1))))
        statuses = forked(lambda _: lab.job(slow.id).status, count=2)
        assert set(statuses) <= {"pending", "running"}
    finally:
        stopped.set()
        slow.cancel()
        for thread in threads:
            thread.join(LIMIT_S)
    assert not wrong
    assert all(question == answer for one in asked for question, answer in one)


def test_handles_survive(lab: Lab) -> None:
    pending = lab.sql("SELECT 5 AS n")
    ended = lab.sql(WHOLE.format(n=1000)).wait()
    assert forked(lambda _: pending.wait(progress=False).status) == ["completed"] * CHILDREN
    assert forked(lambda _: int(ended.to_pandas()["n"].sum())) == [499500] * CHILDREN
    assert forked(lambda _: ended.to_duckdb().aggregate("sum(n)").fetchall()) == [[[499500]]] * CHILDREN
    for again in (copy.copy(ended), copy.deepcopy(ended), pickle.loads(pickle.dumps(ended))):
        assert isinstance(again, Job)
        assert again is not ended
        assert again.refresh().to_arrow().num_rows == 1000
    assert len(pickle.loads(pickle.dumps(lab.jobs(limit=2)))) == 2
    assert pickle.loads(pickle.dumps(lab.datasets()))[0].name == lab.datasets()[0].name
    assert repr(pickle.loads(pickle.dumps(lab.validate("SELECT 1 AS n")))).startswith("valid, and not run")


def test_polars_after_a_fork_is_refused_by_name(lab: Lab) -> None:
    """Polars' own threads stay with the parent: in the child it would never answer."""
    job = lab.sql(WHOLE.format(n=1000)).wait()
    assert job.to_polars().height == 1000

    def read(_: int) -> str:
        try:
            job.to_polars()
        except syndb_lab.ResultUnsuitable as error:
            return str(error)
        return "read"

    (said,) = forked(read, count=1)
    assert "forked" in said
    assert "to_arrow()" in said


def fails(lab: Lab) -> None:
    lab.sql("SELECT error('broken on purpose') AS n").wait(progress=False).to_arrow()


def test_errors_cross_to_the_parent_whole(lab: Lab) -> None:
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool,
        pytest.raises(syndb_lab.JobFailed, match="broken on purpose") as raised,
    ):
        pool.submit(fails, lab).result(LIMIT_S)
    assert raised.value.reason == "invalid_query"
    assert raised.value.job_id
