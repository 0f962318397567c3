"""The real servers that these tests share, and the two brokers behind one name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.servers.fixtures import postgres, rabbitmq, redis_server
from tests.servers.rabbitmq import Rabbitmq
from tests.servers.redis import Redis

__all__ = ["broker_server", "postgres", "rabbitmq", "redis_server"]

QUEUES = ("jobs", "jobs.DQ", "jobs.XQ")


@dataclass(frozen=True)
class BrokerServer:
    """A Redis or a RabbitMQ."""

    server: Redis | Rabbitmq

    @property
    def url(self) -> str:
        return self.server.url

    def wipe(self) -> None:
        """Make it forget our queue."""
        if isinstance(self.server, Redis):
            self.server.wipe()
        else:
            self.server.wipe(*QUEUES)

    def waiting(self) -> int:
        """Return how many hints nobody has taken."""
        if isinstance(self.server, Redis):
            with self.server.client() as client:
                return int(client.llen("dramatiq:jobs"))
        with self.server.connect() as connection:
            return int(connection.channel().queue_declare("jobs", passive=True).method.message_count)


@pytest.fixture(params=["redis_server", "rabbitmq"])
def broker_server(request: pytest.FixtureRequest) -> BrokerServer:
    """Return each broker in turn, running and with nothing of ours in it."""
    found = BrokerServer(request.getfixturevalue(request.param))
    if not found.server.running:
        found.server.start()
    found.wipe()
    return found
