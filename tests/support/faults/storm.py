"""A storm: users submit mixed jobs while faults strike, by a seed."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tests.support.faults.final_check import Report
from tests.support.faults.storm_jobs import User, make_job

JOBS = int(os.environ.get("SYNDB_STORM_JOBS", "18"))
LONG = os.environ.get("SYNDB_FAULTS") == "long"
"""Whether every fault is tried alone, or only those that the default run has time for."""

SETTINGS = {
    "SYNDB_LEASE_S": "3",
    "SYNDB_SWEEP_S": "0.5",
    "SYNDB_HINT_S": "1",
    "SYNDB_ORPHAN_SWEEP_S": "1",
    "SYNDB_MAX_DEATHS": "50",
    "SYNDB_JOB_THREADS": "1",
    "JOB_QUEUE_MAX_WORKERS": "2",
}
FINALLY_S = 0.5


def rage(
    report: Report, users: Sequence[User], faults: Mapping[str, Callable[[random.Random], None]]
) -> None:
    """Submit the jobs and inject faults until all are accepted and each kind of fault has struck."""
    chance = random.Random(report.seed)
    submitters = [
        threading.Thread(
            target=_submit_all, args=(user, random.Random(f"{report.seed}/{number}"), JOBS // len(users))
        )
        for number, user in enumerate(users)
    ]
    for thread in submitters:
        thread.start()
    waiting = list(faults)
    chance.shuffle(waiting)
    while waiting or any(thread.is_alive() for thread in submitters):
        kind = waiting.pop() if waiting else chance.choice(list(faults))
        time.sleep(chance.uniform(0.2, 1.5))
        report.fault_times.append(datetime.now(UTC))
        faults[kind](chance)
        report.faults[kind] += 1
    for thread in submitters:
        thread.join()


def _submit_all(user: User, chance: random.Random, many: int) -> None:
    for _ in range(many):
        user.submit(make_job(chance))
        time.sleep(chance.uniform(0, FINALLY_S))
