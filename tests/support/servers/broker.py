"""The two brokers behind one name."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.servers.rabbitmq import Rabbitmq
from tests.support.servers.redis import Redis

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
