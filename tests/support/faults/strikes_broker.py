"""The broker away, forgetful and slow; hints doubled, out of order, of no job and of an old one."""

from __future__ import annotations

import uuid

from syndb_service.broker import JobDispatcher, open_broker
from syndb_service.broker.base import QUEUE
from tests.support.faults.cluster import Cluster
from tests.support.faults.trial import Trial, slow, small
from tests.support.servers.rabbitmq import Rabbitmq


def broker_killed(trial: Trial[Cluster]) -> None:
    trial.submit(slow())
    trial.service.broker.kill()
    for number in range(3):
        trial.submit(small(number))
    trial.service.broker.start()


def broker_paused(trial: Trial[Cluster]) -> None:
    trial.service.broker.pause()
    for number in range(3):
        trial.submit(small(number))
    trial.service.broker.resume()


def broker_wiped(trial: Trial[Cluster]) -> None:
    for number in range(6):
        trial.submit(slow() if number < 2 else small(number))
    wipe(trial.service)


def broker_slow(trial: Trial[Cluster]) -> None:
    trial.service.line.delay_s = 0.3
    for number in range(4):
        trial.submit(small(number))
    for job_id in trial.ada.accepted:
        trial.final(job_id)
    trial.service.line.delay_s = 0.0


def broker_cut(trial: Trial[Cluster]) -> None:
    for number in range(4):
        trial.submit(small(number))
        trial.service.line.cut()


def hints_doubled_and_reversed(trial: Trial[Cluster]) -> None:
    job_ids = [trial.submit(small(number)) for number in range(6)]
    hint(trial.service, [*reversed(job_ids), *reversed(job_ids), *job_ids])


def hint_of_no_job(trial: Trial[Cluster]) -> None:
    hint(trial.service, [str(uuid.uuid4()) for _ in range(5)] + ["", "no id at all"])


def hint_of_a_final_job(trial: Trial[Cluster]) -> None:
    job_id = trial.submit(small())
    before = trial.final(job_id)
    hint(trial.service, [job_id] * 5)
    trial.final(trial.submit(small(9)))
    assert trial.record(job_id) == before


def hint(cluster: Cluster, job_ids: list[str]) -> None:
    """Send hints past the service."""
    hints = JobDispatcher(open_broker(cluster.broker.url), timeout_s=30)
    for job_id in job_ids:
        assert hints.dispatch(job_id)
    hints.close()


def wipe(cluster: Cluster) -> None:
    """Make the broker forget every hint."""
    if isinstance(cluster.broker, Rabbitmq):
        cluster.broker.wipe(QUEUE)
    else:
        cluster.broker.wipe()


STRIKES = {
    "broker killed": broker_killed,
    "broker paused": broker_paused,
    "broker wiped": broker_wiped,
    "broker slow": broker_slow,
    "broker cut": broker_cut,
    "hints doubled and reversed": hints_doubled_and_reversed,
    "hint of no job": hint_of_no_job,
    "hint of a final job": hint_of_a_final_job,
}
