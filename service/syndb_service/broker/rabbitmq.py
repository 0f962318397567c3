"""The RabbitMQ broker, with publisher confirms and short timeouts."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pika
import pika.exceptions
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import ConnectionFailed

from syndb_service.broker.base import Broker, describe_error
from syndb_service.broker.url import BrokerUrl
from syndb_service.errors import BadSetting

DEFAULTS = {
    "socket_timeout": "2",
    "stack_timeout": "5",
    "connection_attempts": "1",
    "heartbeat": "10",
    "blocked_connection_timeout": "10",
}
REFUSED = (
    pika.exceptions.ProbableAuthenticationError,
    pika.exceptions.AuthenticationError,
    pika.exceptions.ProbableAccessDeniedError,
)


class RabbitmqJobBroker(RabbitmqBroker, Broker):
    """Dramatiq's RabbitMQ broker; a message counts as sent once the server has written it to disk.

    Parameters
    ----------
    address : BrokerUrl
        The server. Options in the query of its URL override ``DEFAULTS``.
    """

    def __init__(self, address: BrokerUrl) -> None:
        try:
            super().__init__(url=_with_defaults(address.url), confirm_delivery=True, middleware=[])
        except (TypeError, ValueError):
            raise address.invalid("it names a user without a password, or an unknown option") from None
        self.location = address.location
        # pika logs several tracebacks for each lost connection; the dispatcher logs one record.
        logging.getLogger("pika").setLevel(logging.CRITICAL)

    def ping(self) -> None:
        """Require that the server responds."""
        for again in (True, False):
            try:
                self.channel.basic_qos(prefetch_count=1)
            except REFUSED:
                del self.connection
                raise BadSetting(
                    f"{self.location} refuses the user, password or virtual host in SYNDB_BROKER_URL"
                ) from None
            except (pika.exceptions.AMQPError, OSError) as error:
                idle_for_long = getattr(self.state, "connection", None) is not None
                del self.connection
                if not (again and idle_for_long):
                    raise ConnectionFailed(describe_error(error)) from None
            else:
                return


def _with_defaults(url: str) -> str:
    parts = urlsplit(url)
    options = DEFAULTS | dict(parse_qsl(parts.query))
    return urlunsplit(parts._replace(query=urlencode(options)))
