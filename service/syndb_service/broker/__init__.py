"""The broker: it carries hints. The row is the truth; a hint lost, doubled or late does no harm."""

from syndb_service.broker.carrier import ACTOR, QUEUE, Carrier, register_actor
from syndb_service.broker.embedded import EmbeddedBroker, embedded_broker
from syndb_service.broker.hints import Hints
from syndb_service.broker.opening import EMBEDDED, open_broker
from syndb_service.broker.taker import HintTaker

__all__ = [
    "ACTOR",
    "EMBEDDED",
    "QUEUE",
    "Carrier",
    "EmbeddedBroker",
    "HintTaker",
    "Hints",
    "embedded_broker",
    "open_broker",
    "register_actor",
]
