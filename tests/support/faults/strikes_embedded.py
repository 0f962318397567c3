"""The embedded service's processes killed, crashed and paused, and its SQLite held by another writer."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import time

from tests.support.faults.cluster import kill
from tests.support.faults.embedded import Embedded
from tests.support.faults.trial import Trial, slow, small


def child_killed(trial: Trial[Embedded]) -> None:
    job_id = trial.running(slow(), "executing")
    for pid in trial.service.children():
        kill(pid)
    trial.attempt(job_id, 2)


def child_crashed(trial: Trial[Embedded]) -> None:
    job_id = trial.running(slow(), "executing")
    for pid in trial.service.children():
        kill(pid, signal.SIGSEGV)
    trial.attempt(job_id, 2)


def fork_server_killed(trial: Trial[Embedded]) -> None:
    job_id = trial.running(slow(), "executing")
    for pid in trial.service.fork_servers():
        kill(pid)
    trial.attempt(job_id, 2)


def service_killed(trial: Trial[Embedded]) -> None:
    trial.running(slow(), "executing")
    trial.service.kill_master()


def service_stopped(trial: Trial[Embedded]) -> None:
    trial.running(slow(), "executing")
    trial.service.stop_and_start()


def service_paused_beyond_its_lease(trial: Trial[Embedded]) -> None:
    trial.running(slow(), "executing")
    trial.service.process.send_signal(signal.SIGSTOP)
    time.sleep(trial.service.lease_s + 0.5)
    trial.service.process.send_signal(signal.SIGCONT)


def database_held_by_another_writer(trial: Trial[Embedded]) -> None:
    trial.running(slow(), "executing")
    path = trial.service.data_dir / "jobs.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        trial.submit_meanwhile(small())
        time.sleep(trial.service.lease_s + 0.5)
        writer.execute("ROLLBACK")


STRIKES = {
    "child killed": child_killed,
    "child crashed": child_crashed,
    "fork server killed": fork_server_killed,
    "service killed": service_killed,
    "service stopped": service_stopped,
    "service paused beyond its lease": service_paused_beyond_its_lease,
    "database held by another writer": database_held_by_another_writer,
}
