"""The embedded mode's broker: Dramatiq's own inside this process, with nothing beside it."""

from __future__ import annotations

from dramatiq.brokers.stub import StubBroker

from syndb_service.broker.base import Broker


class EmbeddedBroker(StubBroker, Broker):
    """Carries hints from a thread of this process to another; what it carries ends with the process."""

    where = "embedded"

    def ping(self) -> None:
        """Do nothing: it is always there."""


def embedded_broker() -> EmbeddedBroker:
    """Return the broker inside this process."""
    broker = EmbeddedBroker(middleware=[])
    broker.declare()
    return broker
