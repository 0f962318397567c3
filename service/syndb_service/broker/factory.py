"""The factory of brokers: opens the one that SYNDB_BROKER_URL names."""

from __future__ import annotations

import logging

from dramatiq.errors import BrokerConnectionError

from syndb_service.broker.base import Broker, embedded_broker
from syndb_service.broker.url import BrokerUrl
from syndb_service.errors import TransientError
from syndb_service.retry import retry_until_available

log = logging.getLogger(__name__)

EMBEDDED = "embedded"
RETRY_S = 0.25


def open_broker(url: str, wait_s: float | None = 0.0) -> Broker:
    """Open a broker, and declare the queue of job messages.

    Parameters
    ----------
    url : str
        ``embedded``, or the URL of a Redis or RabbitMQ server.
    wait_s : float, optional
        Seconds to wait for an unavailable server; None returns at once, and the dispatcher and the consumer
        handle the outage.

    Raises
    ------
    BadSetting
        If the URL is invalid, or the server rejects the user or password.
    TransientError
        If the server is unavailable after ``wait_s`` seconds.
    """
    if url == EMBEDDED:
        return embedded_broker()
    address = BrokerUrl.parse(url)
    broker = _create_broker(address)
    broker.declare()
    if wait_s is None:
        _probe(broker)
    else:
        _await(broker, wait_s)
    return broker


def _create_broker(address: BrokerUrl) -> Broker:
    """Build the broker of a URL; import only the client library that it needs."""
    if address.scheme.startswith("redis"):
        from syndb_service.broker.redis import RedisJobBroker

        return RedisJobBroker(address)
    from syndb_service.broker.rabbitmq import RabbitmqJobBroker

    return RabbitmqJobBroker(address)


def _probe(broker: Broker) -> None:
    try:
        broker.ping()
    except BrokerConnectionError as error:
        log.warning(
            "broker unavailable: %s (%s); submitted jobs stay pending until it responds",
            broker.location,
            error,
        )


def _await(broker: Broker, wait_s: float) -> None:
    reported = False

    def report(error: BaseException) -> None:
        nonlocal reported
        if not reported:
            log.warning("waiting up to %g s for the broker: %s (%s)", wait_s, broker.location, error)
            reported = True

    try:
        retry_until_available(
            broker.ping,
            wait_s,
            RETRY_S,
            is_retried=lambda error: isinstance(error, BrokerConnectionError),
            on_error=report,
        )
    except BrokerConnectionError as error:
        raise TransientError(
            f"the broker is unavailable: {broker.location} ({error})",
            code="broker_unavailable",
            hint="Start it, or correct SYNDB_BROKER_URL.",
        ) from None
