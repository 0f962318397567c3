"""Services whose results lie in a folder and in a real S3, for the tests of results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_lab.lab import Lab
from tests.support.live_service import Live, running_service
from tests.support.results.service import Place
from tests.support.servers.seaweed import Seaweed, running_seaweed
from tests.support.servers.store_proxy import StoreProxy


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests fetch out of the developer's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def opened(name: str, live: Live, store: StoreProxy | None = None) -> Iterator[Place]:
    """Connect to a service."""
    with Lab(live.url, live.token) as lab, live.http() as http:
        yield Place(name, live, lab, http, store)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service with its results in a folder."""
    with running_service(tmp_path_factory.mktemp("local"), "--no-demo-data") as live:
        yield from opened("local", live)


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """A real S3."""
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def distant(tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed) -> Iterator[Place]:
    """A service with its results in S3, behind a proxy that can be slow."""
    store = StoreProxy(seaweed.ports["s3"])
    settings = {
        "SYNDB_RESULTS_URL": f"s3://{seaweed.bucket}/results-{os.urandom(4).hex()}",
        "SYNDB_S3_ENDPOINT_URL": store.endpoint,
        **seaweed.keys.environment(),
    }
    folder: Path = tmp_path_factory.mktemp("distant")
    try:
        with running_service(folder, "--no-demo-data", **settings) as live:
            yield from opened("S3", live, store)
    finally:
        store.close()
