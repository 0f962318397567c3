"""What waiting costs a kernel on a real service, and that nothing of ours is left when it is over."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil
import pytest
from IPython.core.interactiveshell import InteractiveShell

import syndb_lab
from syndb_lab import Job, Lab
from syndb_lab.notebook.card.job_card import show_card
from syndb_lab.notebook.monitor import Monitor
from tests.support.live_service import Live
from tests.support.waiting import WAIT_S, wait_until

ENDLESS = "SELECT count(*) FROM range(30000000000) a WHERE hash(range) % 7 = {}"


@pytest.fixture(autouse=True)
def _shell() -> Iterator[None]:
    InteractiveShell.instance()
    yield
    InteractiveShell.clear_instance()


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("syndb")]


def connections(live: Live) -> int:
    gc.collect()
    port = urlsplit(live.url).port
    found = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == port for one in found)


@contextmanager
def few_files(more: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (psutil.Process().num_fds() + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_hundreds_of_awaited_jobs_fit_into_few_files_and_one_thread(live: Live) -> None:
    threads = threading.active_count()
    with Lab(live.url, live.token) as lab:
        busy = [lab.sql(ENDLESS.format(number)) for number in range(5)]
        jobs = [lab.sql(f"SELECT {number} AS n") for number in range(30)]

        async def main() -> None:
            waiting = [
                asyncio.ensure_future(awaited(Job(lab._transport, dict(job.record)))) for job in jobs * 10
            ]
            await asyncio.wait(waiting, timeout=0.5)
            assert threading.active_count() <= threads + 1
            for job in busy:
                await asyncio.to_thread(job.cancel)
            assert await asyncio.gather(*waiting) == ["completed"] * 300

        async def awaited(job: Job) -> str:
            return (await job).status

        before = connections(live)
        with few_files(24):
            asyncio.run(main())
        wait_until(lambda: connections(live) <= before)
    wait_until(lambda: not ours())


def test_a_closed_lab_leaves_no_thread_and_no_connection(live: Live) -> None:
    before = connections(live)
    lab = Lab(live.url, live.token)
    job = lab.sql(ENDLESS.format(99))
    with pytest.raises(syndb_lab.WaitTimeout):
        job.wait(timeout=0)
    assert ours() == []
    card = show_card(Job(lab._transport, job.record), {}, "q", "polars")
    monitor = Monitor(lab._transport, 5, {}, Job)
    monitor.show()
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            job.wait()
        except syndb_lab.SyndbError as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: {"syndb-follow", "syndb-card", "syndb-monitor"} <= set(ours()))
    lab.close()
    waiting.join(WAIT_S)
    assert "was closed" in str(errors[0])
    wait_until(lambda: not ours() and connections(live) <= before)
    assert "no longer followed" in card._state.snapshot.unavailable
    for widget in (card, monitor):
        widget.close()
    with Lab(live.url, live.token) as other:
        other.job(job.id).cancel()


def test_a_forgotten_lab_leaves_no_connection(live: Live) -> None:
    before = connections(live)
    lab: Lab | None = Lab(live.url, live.token)
    job: Job | None = lab.sql("SELECT 1 AS one").wait() if lab else None
    assert job is not None
    assert job.to_polars().item() == 1
    assert connections(live) > before
    del lab, job
    gc.collect()
    wait_until(lambda: connections(live) <= before)
    assert ours() == []
