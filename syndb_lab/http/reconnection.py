"""Connections by address alone, for unpickled handles, which carry no token."""

from __future__ import annotations

from syndb_lab.errors import ServiceUnavailable
from syndb_lab.http.service_tokens import token_of
from syndb_lab.http.transport import Transport, canonical_url, open_transport
from syndb_lab.user_data.service_registry import iter_services


def reopen(url: str, key: str) -> Transport:
    """Return the pickled connection if this process or its parent has it; else open one with a stored token.

    Parameters
    ----------
    url : str
        Address of the service.
    key : str
        The ``key`` of the connection that was pickled.

    Examples
    --------
    >>> transport = Transport("http://127.0.0.1:8700")
    >>> reopen(transport.url, transport.key) is transport
    True
    """
    transport = open_transport(key)
    if transport is not None and transport.url == url:
        return transport
    return Transport(url, own_token(url) or token_of(url))


def own_token(url: str) -> str | None:
    """Read the token of this user's embedded service that runs at an address."""
    for _, service in iter_services():
        if canonical_url(service.url) == canonical_url(url) and service.is_responding():
            try:
                return service.token()
            except ServiceUnavailable:
                return None
    return None
