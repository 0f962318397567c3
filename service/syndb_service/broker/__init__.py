"""The broker carries job messages. A message that is lost, repeated or late does no harm: the row decides.

All layers from ``jobs`` upwards may import it.
"""

from syndb_service.broker.base import Broker, embedded_broker, register_actor
from syndb_service.broker.dispatcher import JobDispatcher
from syndb_service.broker.factory import EMBEDDED, open_broker

__all__ = ["EMBEDDED", "Broker", "JobDispatcher", "embedded_broker", "open_broker", "register_actor"]
