"""PostgreSQL cut off, killed, locked and full, and its answers lost."""

from __future__ import annotations

import contextlib
import time

from syndb_service.domain.job_status import Status
from tests.support.faults.cluster import Cluster
from tests.support.faults.strikes_processes import LOCK_JOBS
from tests.support.faults.trial import Trial, slow, small
from tests.support.waiting import wait_until

AGAIN_S, CUTS = 0.2, 40


def connections_cut(trial: Trial[Cluster]) -> None:
    trial.running(slow())
    for number in range(3):
        trial.submit(small(number))
        assert trial.service.postgres.cut_connections()


def answers_to_commits_lost(trial: Trial[Cluster]) -> None:
    """Whatever commits is done, and whoever asked for it is told of a broken connection."""
    postgres, job_id = trial.service.postgres, trial.running(slow())
    with postgres.holding_commits():
        trial.submit_meanwhile(small())
        for _ in range(CUTS):
            wait_until(lambda: postgres.waiting("SyncRep"), "nobody commits")
            postgres.cut_connections()
            time.sleep(AGAIN_S)
            if trial.status(job_id) is Status.COMPLETED:
                break


def database_killed_in_a_transaction(trial: Trial[Cluster]) -> None:
    cluster = trial.service
    trial.running(slow())
    with contextlib.closing(cluster.postgres.connect(cluster.database_name)) as holder:
        holder.execute("BEGIN")
        holder.execute(LOCK_JOBS)
        trial.submit_meanwhile(small())
        wait_until(lambda: cluster.postgres.waiting("relation"), "nothing is submitted")
        cluster.postgres.kill()
    cluster.postgres.start()


def database_paused(trial: Trial[Cluster]) -> None:
    trial.running(slow())
    trial.service.postgres.pause()
    time.sleep(trial.service.lease_s + 0.5)
    trial.service.postgres.resume()


def database_locked(trial: Trial[Cluster]) -> None:
    cluster = trial.service
    trial.running(slow())
    with cluster.postgres.connect(cluster.database_name) as holder, holder.transaction():
        holder.execute(LOCK_JOBS)
        trial.submit_meanwhile(small())
        time.sleep(cluster.lease_s + 0.5)


STRIKES = {
    "connections cut": connections_cut,
    "answers to commits lost": answers_to_commits_lost,
    "database killed in a transaction": database_killed_in_a_transaction,
    "database paused": database_paused,
    "database locked": database_locked,
}
