"""What the tests share: the order in which they run, and a live service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.support")

from tests.support.live_service import Jobs, Live, running_service  # noqa: E402


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Give ``-n auto`` a process more than there are processors: most tests wait for servers and browsers.

    ``-n logical`` is for tests that compute.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + (config.getoption("numprocesses") != "logical")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix the files that wait for real servers with those that compute, and end with the latter.

    So one computes while another waits, and the files that are left for the end are short.
    """
    files = list(dict.fromkeys(item.path for item in items))
    computing = [file for file in files if "unit" in file.parts]
    order: list[Path] = []
    for number, file in enumerate(file for file in files if "unit" not in file.parts):
        order += [file, *computing[number // 2 : number // 2 + number % 2]]
    rank = {file: number for number, file in enumerate(dict.fromkeys([*order, *computing]))}
    items.sort(key=lambda item: rank[item.path])


@pytest.fixture(scope="session", autouse=True)
def _journal_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests submit out of the developer's own journal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service that the tests share; each makes jobs of its own."""
    with running_service(tmp_path_factory.mktemp("live")) as service:
        yield service


@pytest.fixture(scope="session")
def jobs(live: Live) -> Iterator[Jobs]:
    """The jobs of the user whose token `up` made."""
    with live.http() as http:
        yield Jobs(http)


@pytest.fixture
def stranger(live: Live) -> Iterator[Jobs]:
    """The jobs of somebody else."""
    with live.http(live.make_token("stranger")) as http:
        yield Jobs(http)
