"""What users do at the worst moment: cancel in every status, cancel at the end, submit twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from tests.support.faults.cluster import Cluster, kill
from tests.support.faults.embedded import Embedded
from tests.support.faults.storm_jobs import Wanted
from tests.support.faults.trial import Trial, endless, small, wrong
from tests.support.waiting import wait_until

S = TypeVar("S", Cluster, Embedded)

RACES = 12
SAME = 6


def cancelled_in_every_status(trial: Trial[S]) -> None:
    completed, failed, running = trial.submit(small()), trial.submit(wrong()), trial.submit(endless())
    for job_id in (completed, failed):
        before = trial.final(job_id)
        assert cancel(trial, job_id) == before
    wait_until(lambda: trial.record(running)["status"] == "running", "it does not run")
    waiting = [trial.submit(endless()) for _ in range(5)]
    wait_until(lambda: trial.record(waiting[-2])["status"] == "pending", "all of them run")
    assert cancel(trial, waiting[-1])["status"] == "cancelled", "a pending job is cancelled at once"
    for job_id in (running, *waiting):
        cancel(trial, job_id)
        ended = trial.final(job_id)
        assert (ended["status"], ended["reason"]) == ("cancelled", "cancelled_by_user")
        assert cancel(trial, job_id) == ended


def cancels_that_race_the_end(trial: Trial[S]) -> None:
    chance, threads = random.Random(7), []
    for number in range(RACES):
        job_id = trial.submit(either(number))
        after_s = chance.uniform(0, 0.25)
        threads.append(threading.Thread(target=_cancel_later, args=(trial, job_id, after_s)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def submitted_twice_at_once(trial: Trial[S]) -> None:
    key, wanted, found = str(uuid.uuid4()), small(), []

    def submit() -> None:
        headers = {"Idempotency-Key": key}
        answer = trial.ada.stubborn("POST", wanted.route, json=wanted.body, headers=headers)
        found.append((answer.status_code, answer.json()["job_id"]))

    threads = [threading.Thread(target=submit) for _ in range(SAME)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in found) == [200] * (SAME - 1) + [202]
    (job_id,) = {job_id for _, job_id in found}
    trial.ada.accepted[job_id] = wanted


def cancel_that_races_the_claim(trial: Trial[Cluster]) -> None:
    """The worker's claim and the cancel wait for the same row, the claim first."""
    cluster, workers = trial.service, trial.service.workers()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    job_id = trial.submit(endless())
    with cluster.postgres.connect(cluster.database_name) as holder, holder.transaction():
        holder.execute("SELECT 1 FROM jobs WHERE job_id = %s FOR UPDATE", (job_id,))
        for pid in workers:
            kill(pid, signal.SIGCONT)
        wait_until(lambda: cluster.postgres.waiting("transactionid"), "nobody claims")
        trial.meanwhile(lambda: cancel(trial, job_id))
        time.sleep(0.5)
    assert trial.final(job_id)["status"] == "cancelled", "the cancel was lost"


def cancel(trial: Trial[S], job_id: str) -> dict[str, object]:
    """Cancel a job; return what is answered."""
    answer = trial.ada.stubborn("DELETE", f"/v1/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    record: dict[str, object] = answer.json()
    return record


def either(number: int) -> Wanted:
    """Return a query that may be cancelled before it is completed."""
    wanted = small(number)
    return Wanted(wanted.route, wanted.body, "cancelled", wanted.right)


def _cancel_later(trial: Trial[S], job_id: str, after_s: float) -> None:
    time.sleep(after_s)
    cancel(trial, job_id)


EVERYWHERE: dict[str, Callable[[Trial[S]], None]] = {  # type: ignore[misc]
    "cancelled in every status": cancelled_in_every_status,
    "cancels that race the end": cancels_that_race_the_end,
    "submitted twice at once": submitted_twice_at_once,
}
STRIKES = {"cancel that races the claim": cancel_that_races_the_claim}
