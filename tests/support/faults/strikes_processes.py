"""Processes of the distributed service killed, crashed and paused, each where it hurts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from sqlalchemy import update

from syndb_service.store.schema import jobs
from tests.support.faults.cluster import Cluster, kill
from tests.support.faults.trial import Trial, endless, large, slow, small
from tests.support.servers.server import state
from tests.support.servers.store_proxy import Act, Rule
from tests.support.waiting import wait_until

LONG_AGO = datetime(1986, 11, 12, tzinfo=UTC)
LOCK_JOBS = "LOCK TABLE jobs IN EXCLUSIVE MODE"


def child_killed(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    for pid in trial.service.children():
        kill(pid)
    trial.attempt(job_id, 2)


def child_crashed(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    for pid in trial.service.children():
        kill(pid, signal.SIGSEGV)
    trial.attempt(job_id, 2)


def fork_servers_killed(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    for pid in trial.service.fork_servers():
        kill(pid)
    trial.attempt(job_id, 2)


def worker_killed(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    kill(trial.worker_of(job_id))
    trial.attempt(job_id, 2)


def master_killed(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    trial.service.kill_master()
    trial.attempt(job_id, 2)


def tree_killed(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    trial.service.kill_tree()
    trial.attempt(job_id, 2)


def worker_stopped(trial: Trial[Cluster]) -> None:
    job_id = trial.running(slow(), "executing")
    trial.service.stop_worker()
    assert trial.record(job_id)["reason"] == "queued", "a worker that ends gives its job back"
    trial.service.worker = trial.service.start_worker()


def api_killed_before_its_commit(trial: Trial[Cluster]) -> None:
    cluster = trial.service
    with cluster.postgres.connect(cluster.database_name) as holder, holder.transaction():
        holder.execute(LOCK_JOBS)
        trial.submit_meanwhile(small())
        wait_until(lambda: cluster.postgres.waiting("relation"), "nothing is submitted")
        for pid in cluster.api_processes():
            kill(pid)


def api_killed_after_its_commit(trial: Trial[Cluster]) -> None:
    cluster = trial.service
    with cluster.postgres.holding_commits():
        trial.submit_meanwhile(small())
        wait_until(lambda: cluster.postgres.waiting("SyncRep"), "nothing is submitted")
        for pid in cluster.api_processes():
            kill(pid)


def sweeper_killed_in_its_middle(trial: Trial[Cluster]) -> None:
    """Between the row that says that a result is destroyed, and its file."""
    cluster = trial.service
    job_id = trial.submit(small())
    assert trial.final(job_id)["status"] == "completed"
    trial.without_file.add(job_id)
    with cluster.proxy.rule(Act.HOLD, "DELETE", job_id) as held:
        with cluster.database.write() as connection:
            connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(expires_at=LONG_AGO))
        assert held.reached.wait(120), "nobody sweeps"
        for pid in cluster.workers():
            kill(pid)
        wait_until(lambda: len(cluster.workers()) == 2, "no worker comes back")
    answer = trial.ada.stubborn("GET", f"/v1/jobs/{job_id}/result")
    assert (answer.status_code, answer.json()["code"]) == (410, "result_expired")


def paused_at_the_claim(trial: Trial[Cluster]) -> None:
    cluster, workers = trial.service, trial.service.workers()
    with ExitStack() as holding:
        with _paused(workers):
            trial.submit(small())
            holding.enter_context(cluster.postgres.holding_commits())
        wait_until(lambda: cluster.postgres.waiting("SyncRep"), "nobody claims")
        with _paused(workers):
            holding.close()
            time.sleep(cluster.lease_s + 0.5)


def paused_while_it_executes(trial: Trial[Cluster]) -> None:
    job_id = trial.running(endless(), "executing")
    with _paused([trial.worker_of(job_id)]):
        trial.attempt(job_id, 2)
    assert trial.ada.stubborn("DELETE", f"/v1/jobs/{job_id}").status_code == 200


def paused_while_it_sends_a_part(trial: Trial[Cluster]) -> None:
    job_id = trial.submit(large())
    with trial.service.proxy.rule(Act.HOLD, "PUT", f"{job_id}/1.*partNumber=2", times=1) as held:
        _pause_where(trial, job_id, held)


def paused_while_it_completes(trial: Trial[Cluster]) -> None:
    job_id = trial.submit(large())
    with trial.service.proxy.rule(Act.HOLD_AFTER, "POST", f"{job_id}/1.*uploadId=", times=1) as held:
        _pause_where(trial, job_id, held)


def _pause_where(trial: Trial[Cluster], job_id: str, held: Rule) -> None:
    """Pause the worker at a request of its own until another has the job; then let both go on."""
    assert held.reached.wait(120), "the request does not come"
    with _paused([trial.worker_of(job_id)]):
        trial.attempt(job_id, 2)
        held.released.set()


@contextmanager
def _paused(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: {state(pid) for pid in pids} <= {"T", ""}, "they do not stop")
    try:
        yield
    finally:
        for pid in pids:
            kill(pid, signal.SIGCONT)


STRIKES = {
    "child killed": child_killed,
    "child crashed": child_crashed,
    "fork servers killed": fork_servers_killed,
    "worker killed": worker_killed,
    "worker's master killed": master_killed,
    "worker's whole tree killed": tree_killed,
    "worker stopped": worker_stopped,
    "API killed before its commit": api_killed_before_its_commit,
    "API killed after its commit": api_killed_after_its_commit,
    "sweeper killed in its middle": sweeper_killed_in_its_middle,
    "paused at the claim": paused_at_the_claim,
    "paused while it executes": paused_while_it_executes,
    "paused while it sends a part": paused_while_it_sends_a_part,
    "paused while it completes": paused_while_it_completes,
}
