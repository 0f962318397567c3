"""The Redis or Valkey broker. The server needs its append-only file (AOF) to lose no message."""

from __future__ import annotations

from typing import Any

import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed, ConnectionFailed
from redis.backoff import NoBackoff
from redis.retry import Retry

from syndb_service.broker.base import Broker, describe_error
from syndb_service.broker.url import BrokerUrl
from syndb_service.errors import BadSetting

EACH_COMMAND = (
    1_000_000  # maintenance with each of a million commands: Dramatiq's default rescued after 335 s
)
HEARTBEAT_MS = 5_000
CONNECT_S = 2.0
ANSWER_S = 5.0
CONNECTIONS = 1024


class RedisJobBroker(RedisBroker, Broker):
    """Dramatiq's Redis broker; messages of a crashed worker go to other workers after 5 to 8 s.

    Parameters
    ----------
    address : BrokerUrl
        The server.
    """

    def __init__(self, address: BrokerUrl) -> None:
        pool = redis.ConnectionPool.from_url(
            address.url,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 1),
            max_connections=CONNECTIONS,
        )
        try:
            pool.make_connection()
        except (TypeError, ValueError):
            raise address.invalid("it has an option that Redis clients don't know") from None
        super().__init__(  # type: ignore[no-untyped-call]
            client=redis.Redis(connection_pool=pool),
            middleware=[],
            maintenance_chance=EACH_COMMAND,
            heartbeat_timeout=HEARTBEAT_MS,
        )
        self.location = address.location

    @property
    def consumer_class(self) -> type[Any]:
        """The consumer class, which treats a timeout as a lost connection."""
        return _Consumer

    def ping(self) -> None:
        """Require that the server responds."""
        try:
            self.client.ping()
        except (redis.AuthenticationError, redis.exceptions.AuthorizationError):
            raise BadSetting(f"{self.location} refuses the user or password in SYNDB_BROKER_URL") from None
        except redis.BusyLoadingError:
            raise ConnectionFailed("it is still loading its data") from None
        except redis.RedisError as error:
            raise ConnectionFailed(describe_error(error)) from None

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


class _Consumer(_RedisConsumer):
    """Dramatiq's consumer, extended to timeouts: Dramatiq handles refused connections only."""

    def ack(self, message: Any) -> None:
        try:
            super().ack(message)  # type: ignore[no-untyped-call]
        except redis.TimeoutError as error:
            raise ConnectionClosed(error) from None

    def __next__(self) -> Any:
        try:
            return super().__next__()  # type: ignore[no-untyped-call]
        except redis.TimeoutError as error:
            raise ConnectionClosed(error) from None
