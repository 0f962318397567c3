"""Each fault alone, on the embedded service: one process, SQLite, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.faults import strikes_disk, strikes_embedded, strikes_results, strikes_users
from tests.support.faults.embedded import Embedded, running_embedded
from tests.support.faults.storm import LONG
from tests.support.faults.strikes_results import CAP, MEMORY
from tests.support.faults.trial import Trial
from tests.support.servers.small_disk import SmallDisk, small_disk

STRIKES: dict[str, Callable[[Trial[Embedded]], None]] = {
    **strikes_embedded.STRIKES,
    **strikes_results.EVERYWHERE,
    **strikes_users.EVERYWHERE,
}
SHORT = (
    "database held by another writer",
    "cancels that race the end",
    "submitted twice at once",
    *strikes_results.EVERYWHERE,
)
SETTINGS = {
    "SYNDB_LEASE_S": "2",
    "JOB_MAX_RESULT_BYTES": str(CAP),
    "SYNDB_JOB_MEMORY_BYTES": str(MEMORY),
}
Disks = tuple[Embedded, dict[str, SmallDisk]]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with running_embedded(tmp_path_factory.mktemp("alone"), **SETTINGS) as service:
        yield service
        service.end()


@pytest.fixture(scope="module")
def on_disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disks]:
    """The service with its data folder, its results and its temporary folder on small disks."""
    folder = tmp_path_factory.mktemp("disks")
    data_dir = folder / "data"
    with (
        small_disk(data_dir, 24) as database,
        small_disk(data_dir / "results", 48) as results,
        small_disk(data_dir / "tmp", 8) as temporary,
        running_embedded(folder, **SETTINGS) as service,
    ):
        yield service, {"database": database, "results": results, "temporary": temporary}
        service.end()


@pytest.mark.parametrize("name", STRIKES if LONG else SHORT)
def test_one_fault_alone(service: Embedded, name: str) -> None:
    trial = Trial(service, name)
    STRIKES[name](trial)
    trial.check()


@pytest.mark.parametrize(
    ("disk", "name"),
    [
        *(("temporary", name) for name in strikes_disk.TEMPORARY),
        *(("results", name) for name in (strikes_disk.RESULTS if LONG else ())),
        *(("database", name) for name in strikes_disk.DATABASE),
    ],
)
def test_one_disk_alone(on_disks: Disks, disk: str, name: str) -> None:
    service, disks = on_disks
    strikes = strikes_disk.TEMPORARY | strikes_disk.RESULTS | strikes_disk.DATABASE
    trial = Trial(service, name)
    strikes[name](trial, disks[disk])
    trial.check()
