"""Each fault alone, on the distributed service: PostgreSQL, Redis or RabbitMQ, and S3."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.support.faults import (
    strikes_broker,
    strikes_database,
    strikes_processes,
    strikes_results,
    strikes_store,
    strikes_users,
)
from tests.support.faults.cluster import Cluster, running_cluster
from tests.support.faults.storm import LONG
from tests.support.faults.strikes_results import CAP
from tests.support.faults.trial import Trial

CAPS = {name: strikes_results.EVERYWHERE[name] for name in ("exactly the cap", "one byte over the cap")}
STRIKES: dict[str, Callable[[Trial[Cluster]], None]] = {
    **strikes_processes.STRIKES,
    **strikes_broker.STRIKES,
    **strikes_database.STRIKES,
    **strikes_store.STRIKES,
    **CAPS,
    **strikes_users.EVERYWHERE,
    **strikes_users.STRIKES,
}
KIND = os.environ.get("SYNDB_FAULTS_BROKER", "redis")
SHORT = (
    "child crashed",
    "API killed after its commit",
    "paused while it completes",
    "completing failing after its effect",
    "store refuses",
    "file deleted under its row",
    "cancel that races the claim",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("alone")
    with running_cluster(KIND, folder, apis=1, SYNDB_LEASE_S="2", JOB_MAX_RESULT_BYTES=str(CAP)) as cluster:
        yield cluster
        cluster.end()


@pytest.mark.parametrize("name", STRIKES if LONG else SHORT)
def test_one_fault_alone(cluster: Cluster, name: str) -> None:
    trial = Trial(cluster, name)
    STRIKES[name](trial)
    trial.check()
