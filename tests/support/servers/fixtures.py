"""Servers that the tests of one process share; a test that kills one starts it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.postgres import Postgres, running_postgres
from tests.support.servers.rabbitmq import Rabbitmq, running_rabbitmq
from tests.support.servers.redis import Redis, running_redis


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Return a running PostgreSQL."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Return a running Redis."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbitmq]:
    """Return a running RabbitMQ."""
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server
