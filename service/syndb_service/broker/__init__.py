"""The broker: it carries hints. The row is the truth; a hint lost, doubled or late does no harm."""

from syndb_service.broker.carrier import ACTOR, QUEUE, Broker, register_actor
from syndb_service.broker.embedded import EmbeddedBroker, embedded_broker
from syndb_service.broker.hints import JobDispatcher
from syndb_service.broker.opening import EMBEDDED, open_broker
from syndb_service.broker.taker import JobConsumer

__all__ = [
    "ACTOR",
    "EMBEDDED",
    "QUEUE",
    "Broker",
    "EmbeddedBroker",
    "JobConsumer",
    "JobDispatcher",
    "embedded_broker",
    "open_broker",
    "register_actor",
]
