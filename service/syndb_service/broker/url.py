"""SYNDB_BROKER_URL, taken apart: which broker, where, and a refusal that never shows the password."""

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
    """Where a broker is.

    Attributes
    ----------
    url : str
        As set, with user and password; not shown in its repr.
    scheme : str
        ``redis``, ``rediss``, ``amqp`` or ``amqps``.
    where : str
        For people, without user and password: ``Redis at broker.lab:6379``.
    """

    url: str = field(repr=False)
    scheme: str
    where: str

    @classmethod
    def parse(cls, url: str) -> BrokerUrl:
        """Take the URL of a server apart.

        Raises
        ------
        BadSetting
            If it makes no sense; with the allowed forms, and without what may be a password.

        Examples
        --------
        >>> BrokerUrl.parse("redis://:secret@broker.lab/0")
        BrokerUrl(scheme='redis', where='Redis at broker.lab:6379')
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _refusal("its host or port can't be read") from None
        if parts.scheme not in NAMES:
            raise _refusal("it has none of the allowed forms")
        if not host:
            raise _refusal("it names no host")
        if port == 0 or parts.fragment:
            raise _refusal("its port can't be 0" if port == 0 else "`#` must be written as %23 in it")
        _check_path(parts)
        shown = f"[{host}]" if ":" in host else host
        return cls(url, parts.scheme, f"{NAMES[parts.scheme]} at {shown}:{port or PORTS[parts.scheme]}")

    def invalid(self, why: str) -> BadSetting:
        """Return the refusal of this URL."""
        return _refusal(f"{why} ({self.where})")


def _check_path(parts: SplitResult) -> None:
    path = parts.path.removeprefix("/")
    if parts.scheme.startswith("redis") and path and not (path.isascii() and path.isdigit()):
        raise _refusal("its database must be a number")
    if parts.scheme.startswith("amqp") and "/" in path:
        raise _refusal("`/` in the name of a virtual host must be written as %2F")


def _refusal(why: str) -> BadSetting:
    return BadSetting(f"SYNDB_BROKER_URL makes no sense: {why}", hint=ALLOWED)
