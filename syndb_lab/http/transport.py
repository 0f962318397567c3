"""The HTTP connection to a service: token, retries, and errors as exceptions."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import time
import uuid
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import httpx

from syndb_lab.conversion.plain_values import article, require_valid_text
from syndb_lab.errors import AuthError, ParameterError, ServiceUnavailable, SyndbError
from syndb_lab.http.async_transport import Mounted
from syndb_lab.http.connection_pool import Connections
from syndb_lab.http.error_mapping import error_from_response, read_problem, retry_after
from syndb_lab.http.json_body import encode_body
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.text.secret_text import SecretText
from syndb_lab.text.terminal_text import shorten

TRIES: Final = 4
LONGEST_ADDRESS: Final = 300
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
RETRIED: Final = frozenset({502, 503, 504})
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0, pool=None)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN: Final[weakref.WeakValueDictionary[str, Transport]] = weakref.WeakValueDictionary()


def has_token(token: str | None) -> bool:
    """Whether there is a token; an empty one is none."""
    return token is not None and not (isinstance(token, str) and not token)


class Bearer(httpx.Auth):
    """Authorization that adds the token to each request, and hides it in its repr.

    Parameters
    ----------
    token : str
        An API token of the service.
    """

    def __init__(self, token: str) -> None:
        if not isinstance(token, str):
            raise AuthError(f"the token is {article(token)}, no text", hint="Copy it again, whole.")
        if not (token.isascii() and token.strip().isprintable() and token.strip()):
            raise AuthError("the token holds characters that no token has", hint="Copy it again, whole.")
        self._token = SecretText(token.strip())

    def __repr__(self) -> str:
        return "Bearer(…)"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the ``Authorization`` header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class Companion(Protocol):
    """An object that is closed together with a connection, in the process that made it."""

    process: int

    def close(self) -> None:
        """Release its resources."""


class Transport:
    """A connection to one service with one token.

    Every request may be sent again after a lost connection, a 502, 503 or 504, or a rate limit. Requests that
    create a job carry an ``Idempotency-Key``, so that a repeated one returns the job of the first.

    Parameters
    ----------
    url : str
        The address of the service, such as ``http://127.0.0.1:8700``.
    token : str, optional
        An API token.
    mount : httpx.BaseTransport, optional
        The httpx transport that sends the requests, in tests.
    pause_s : float
        Seconds before the second try; doubled for each further one.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        mount: httpx.BaseTransport | None = None,
        pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        base = service_url(url)
        self.key = uuid.uuid4().hex
        OPEN[self.key] = self
        if mount is None:
            require_private(url)
        self.url = str(base).rstrip("/")
        self._pause_s = pause_s
        trust_env = not goes_direct(base.host) and not (base.scheme == "http" and is_this_computer(base.host))
        self._options: dict[str, Any] = {
            "base_url": base,
            "auth": Bearer(token) if token is not None and has_token(token) else None,
            "limits": httpx.Limits(max_connections=None),
            "trust_env": trust_env,
            "verify": httpx.create_ssl_context(trust_env=trust_env),
        }
        self._mount = mount
        self._connections = Connections(
            lambda: httpx.Client(timeout=TIMEOUT, transport=mount, **self._options)
        )
        self.companion: Companion | None = None

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"

    def close(self) -> None:
        """Close the connections; the jobs go on."""
        if self.companion is not None and self.companion.process == os.getpid():
            self.companion.close()
        self._connections.close()

    @property
    def _client(self) -> httpx.Client:
        self._check_open()
        return self._connections.client

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._connections.is_closed

    def open_async(self) -> httpx.AsyncClient:
        """Open a separate client for an event loop; its caller sets the timeouts."""

        async def note(response: httpx.Response) -> None:
            self._connections.note(response)

        return httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=TIMEOUT.connect),
            transport=None if self._mount is None else Mounted(self._mount),
            event_hooks={"response": [note]},
            **self._options,
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, timeout: float = 30.0) -> Any:
        """Send a GET request and return the JSON of the response."""
        return self._read(self._send("GET", path, params=params, timeout=timeout))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, query: str | None = None) -> Any:
        """Send a POST request with an idempotency key: retries create no second job."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._read(self._send("POST", path, json=body, headers=headers, query=query))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a PATCH request, which changes fields of a job."""
        return self._read(self._send("PATCH", path, json=body))

    def delete(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a DELETE request, which cancels a job or destroys its result."""
        return self._read(self._send("DELETE", path, params=params))

    @contextmanager
    def stream(
        self, path: str, headers: Mapping[str, str], *, timeout: httpx.Timeout = TIMEOUT
    ) -> Iterator[httpx.Response]:
        """Open a download without retries: the caller resumes it after a break."""
        self._check_open()
        with self._client.stream("GET", path, headers=dict(headers), timeout=timeout) as response:
            if response.is_error:
                response.read()
                raise error_from_response(response)
            yield response

    def etag(self, path: str) -> str | None:
        """Request the checksum of a result file; None if access is denied or the service does not respond."""
        try:
            answer = self._client.head(path, timeout=TIMEOUT).raise_for_status()
        except httpx.HTTPError:
            return None
        return str(answer.headers.get("ETag", "")).strip('"')

    def read(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Fetch a small file into memory."""
        try:
            with self.stream(path, headers or {}) as response:
                return response.read()
        except httpx.TransportError as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: BaseException) -> ServiceUnavailable:
        """Build the error for a service that does not respond."""
        return ServiceUnavailable(
            f"nothing answers at {self.url} ({type(error).__name__})",
            hint=NextStep(Action.START_SERVICE),
        )

    def _check_open(self) -> None:
        if self._connections.is_closed:
            raise SyndbError(
                f"the connection to {self.url} was closed", hint="Open another one with connect()."
            )

    def _read(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise SyndbError(
                f"what answers at {self.url} is no syndb-lab service",
                hint="Check the address; a login page or a proxy may be in between.",
            ) from error

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: str | None = None,
        timeout: float = 30.0,
    ) -> httpx.Response:
        pause = self._pause_s
        content = None
        if json is not None:
            content, headers = encode_body(json), {**(headers or {}), "Content-Type": "application/json"}
        for left in reversed(range(TRIES)):
            self._check_open()
            try:
                response = self._client.request(
                    method,
                    path,
                    params=params,
                    content=content,
                    headers=headers,
                    timeout=httpx.Timeout(timeout, connect=TIMEOUT.connect, pool=None),
                )
            except RuntimeError:  # closed between the check and the request
                self._check_open()
                raise
            except httpx.TransportError as error:
                self._check_open()
                if not left:
                    raise self.unreachable(error) from None
                wait = pause
            else:
                if not (left and is_idempotent(response)):
                    return raise_for_status(response, query)
                wait = retry_after(response) or pause
            time.sleep(min(wait, LONGEST_PAUSE_S))
            pause *= 2
        raise AssertionError("the last try returns or raises")


def open_transport(key: str) -> Transport | None:
    """Find an open connection of this process, or of the process that it was forked from, by its key."""
    return OPEN.get(key)


def is_idempotent(response: httpx.Response) -> bool:
    """Whether a later retry of the request may succeed: an outage (502, 503, 504) or a rate limit."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return read_problem(response).get("code") == "rate_limited"
    return response.status_code in RETRIED


def raise_for_status(response: httpx.Response, query: str | None) -> httpx.Response:
    """Return a successful response; raise the error of any other.

    Raises
    ------
    SyndbError
        The error that the response describes.
    """
    if response.is_success:
        return response
    raise error_from_response(response, query=query)


def service_url(url: str) -> httpx.URL:
    """Validate and parse the address of a service, before any request.

    Examples
    --------
    >>> service_url("127.0.0.1:8700")
    Traceback (most recent call last):
    syndb_lab.errors.SyndbError: '127.0.0.1:8700' is no address of a service
    Write it with its scheme, such as http://127.0.0.1:8700.
    """
    if not isinstance(url, str):
        raise ParameterError(
            f"the address is {article(url)}, no text", hint="For example: http://127.0.0.1:8700."
        )
    try:
        parsed = httpx.URL(require_valid_text("the address", url).strip())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    bare = re.split("[?#]", url.rpartition("@")[2], maxsplit=1)[0]
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo or not has_port(parsed):
        raise SyndbError(
            f"{shorten(repr(bare), LONGEST_ADDRESS)} is no address of a service",
            hint="Write it with its scheme, such as http://127.0.0.1:8700.",
        )
    if "?" in url or "#" in url:
        raise SyndbError(
            f"the address {shorten(repr(bare), LONGEST_ADDRESS)} goes on with a ? or a #; no service's does",
            hint="Leave that out. A token is given beside the address: connect(url, token).",
        )
    return parsed


def has_port(address: httpx.URL) -> bool:
    """Whether the port of an address is valid, or missing."""
    return address.port is None or 0 < address.port < 2**16


def canonical_url(url: str) -> str:
    """Format an address in its canonical form: lower case, without default port, final slash and blanks.

    An IPv6 address is written in its shortest form. Names stay as they are: ``lab.example.`` and ``127.1``
    may be other computers than ``lab.example`` and ``127.0.0.1``.

    Examples
    --------
    >>> canonical_url(" HTTPS://SynDB.Example.EDU:443/ ")
    'https://syndb.example.edu'
    """
    parsed = service_url(url)
    if ":" in parsed.host and "%" not in parsed.host:
        parsed = parsed.copy_with(host=str(ipaddress.IPv6Address(parsed.host)))
    is_default = parsed.port == DEFAULT_PORTS[parsed.scheme]
    return str(parsed.copy_with(port=None) if is_default else parsed).rstrip("/")


def require_private(url: str) -> None:
    """Raise for plain http to another computer, which others could read, unless the user allows it.

    Parameters
    ----------
    url : str
        Address of a service.

    Raises
    ------
    AuthError
        The address is plain http on another computer, and SYNDB_PLAIN_HTTP is not 1.

    Examples
    --------
    >>> require_private("http://a.example.edu")
    Traceback (most recent call last):
    syndb_lab.errors.AuthError: http://a.example.edu is plain http: others could read your token on the way
    Use its https address. If you trust the whole network, set SYNDB_PLAIN_HTTP=1.
    """
    address = service_url(url)
    if address.scheme == "https" or is_this_computer(address.host):
        return
    if os.environ.get("SYNDB_PLAIN_HTTP", "").strip().lower() in {"1", "true", "yes", "on"}:
        return
    raise AuthError(
        f"{canonical_url(url)} is plain http: others could read your token on the way",
        hint="Use its https address. If you trust the whole network, set SYNDB_PLAIN_HTTP=1.",
    )


def is_this_computer(host: str) -> bool:
    """Whether a host name or address is this computer's own: only own addresses can be bound.

    Examples
    --------
    >>> is_this_computer("localhost"), is_this_computer("192.0.2.1")
    (True, False)
    """
    if host in LOOPBACK:
        return True
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return bool(addresses) and all(_can_bind(family, address) for family, _, _, _, address in addresses)


def goes_direct(host: str) -> bool:
    """Whether requests to a host bypass every proxy, because the host is this computer.

    Only addresses and this computer's own names are resolved: behind a proxy, resolving any other name may
    take long.

    Examples
    --------
    >>> goes_direct("127.0.0.2"), goes_direct("0.0.0.0"), goes_direct("lab.example.edu")
    (True, True, False)
    """
    name = host.lower().rstrip(".")
    if name in LOOPBACK or name.endswith(".localhost") or name == socket.gethostname().lower():
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return is_this_computer(name)


def _can_bind(family: socket.AddressFamily, address: Any) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind(address)
    except OSError:
        return False
    return True
