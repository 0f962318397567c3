"""One S3 for a file of tests; each test has a prefix of its own in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from syndb_service.results.s3_store import S3ResultStore
from syndb_service.s3 import Bucket
from syndb_service.storage_url import S3Location
from tests.support.servers.seaweed import Seaweed, running_seaweed

FOREIGN = ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """A running server."""
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
def s3(seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    """The server, with the service's keys in the environment."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in seaweed.keys.environment().items():
        monkeypatch.setenv(name, value)
    return seaweed


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test has."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def bucket(s3: Seaweed, prefix: str) -> Bucket:
    """The prefix, opened."""
    return Bucket(S3Location(s3.bucket, f"{prefix}/"), "result store", s3.endpoint)


@pytest.fixture
def results(bucket: Bucket) -> S3ResultStore:
    """An empty result store."""
    return S3ResultStore(bucket, unfinished_s=0)
