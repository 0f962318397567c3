"""The broker of the embedded mode: Dramatiq's stub broker, in the memory of this process."""

from __future__ import annotations

from dramatiq.brokers.stub import StubBroker

from syndb_service.broker.base import Broker


class EmbeddedBroker(StubBroker, Broker):
    """A broker between threads of this process; its messages are lost when the process ends."""

    location = "embedded"

    def ping(self) -> None:
        """Do nothing: this broker always responds."""


def embedded_broker() -> EmbeddedBroker:
    """Build the broker in this process, with the queue declared."""
    broker = EmbeddedBroker(middleware=[])
    broker.declare()
    return broker
