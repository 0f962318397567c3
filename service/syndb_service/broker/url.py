"""The parsed SYNDB_BROKER_URL; its errors never contain the password."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from syndb_service.errors import BadSetting

NAMES = {"redis": "Redis", "rediss": "Redis", "amqp": "RabbitMQ", "amqps": "RabbitMQ"}
PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}
ALLOWED = (
    "SYNDB_BROKER_URL may be `embedded`, redis://:PASSWORD@HOST:PORT/DATABASE, rediss://… for TLS, "
    "amqp://USER:PASSWORD@HOST:PORT/VIRTUAL-HOST, or amqps://… for TLS."
)


@dataclass(frozen=True)
class BrokerUrl:
    """The address of a broker.

    Attributes
    ----------
    url : str
        The URL as set, with user and password; not shown in the repr.
    scheme : str
        ``redis``, ``rediss``, ``amqp`` or ``amqps``.
    location : str
        Name, host and port, without user and password: ``Redis at broker.lab:6379``.
    """

    url: str = field(repr=False)
    scheme: str
    location: str

    @classmethod
    def parse(cls, url: str) -> BrokerUrl:
        """Parse the URL of a server.

        Raises
        ------
        BadSetting
            If the URL is invalid; with the allowed forms, and without what may be a password.

        Examples
        --------
        >>> BrokerUrl.parse("redis://:secret@broker.lab/0")
        BrokerUrl(scheme='redis', location='Redis at broker.lab:6379')
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _error("its host or port can't be read") from None
        if parts.scheme not in NAMES:
            raise _error("it has none of the allowed forms")
        if not host:
            raise _error("it names no host")
        if port == 0 or parts.fragment:
            raise _error("its port can't be 0" if port == 0 else "`#` must be written as %23 in it")
        _check_path(parts)
        host = f"[{host}]" if ":" in host else host
        return cls(url, parts.scheme, f"{NAMES[parts.scheme]} at {host}:{port or PORTS[parts.scheme]}")

    def invalid(self, reason: str) -> BadSetting:
        """Return the error of this URL."""
        return _error(f"{reason} ({self.location})")


def _check_path(parts: SplitResult) -> None:
    path = parts.path.removeprefix("/")
    if parts.scheme.startswith("redis") and path and not (path.isascii() and path.isdigit()):
        raise _error("its database must be a number")
    if parts.scheme.startswith("amqp") and "/" in path:
        raise _error("`/` in the name of a virtual host must be written as %2F")


def _error(reason: str) -> BadSetting:
    return BadSetting(f"SYNDB_BROKER_URL is invalid: {reason}", hint=ALLOWED)
