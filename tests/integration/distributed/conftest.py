"""The real servers that these tests share, and the two brokers behind one name."""

from __future__ import annotations

import pytest

from tests.support.servers.broker import BrokerServer
from tests.support.servers.fixtures import postgres, rabbitmq, redis_server

__all__ = ["broker_server", "postgres", "rabbitmq", "redis_server"]


@pytest.fixture(params=["redis_server", "rabbitmq"])
def broker_server(request: pytest.FixtureRequest) -> BrokerServer:
    """Return each broker in turn, running and with nothing of ours in it."""
    found = BrokerServer(request.getfixturevalue(request.param))
    if not found.server.running:
        found.server.start()
    found.wipe()
    return found
