"""The HTTP server: its listening socket, its start and its shutdown."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from syndb_service.errors import BadSetting

BACKLOG = 2048
GRACE_S = 2


@contextmanager
def open_listener(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on an address.

    The socket names its protocol, because asyncio turns off Nagle's algorithm only then.

    Raises
    ------
    BadSetting
        If the address or port is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise BadSetting(
                f"can't listen on {host}: {error.strerror}",
                hint="Give --host an address of this computer: 127.0.0.1, or 0.0.0.0 for all of them.",
            ) from error
        raise BadSetting(
            f"can't listen on {host} port {port}: {error.strerror}",
            code="port_taken",
            hint="Choose another port with --port, or --port 0 for a free one.",
        ) from error
    with listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return the URL at which this computer reaches a listening socket.

    A socket that listens on all addresses (0.0.0.0) is reached at the loopback address.
    """
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_http_server(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Parameters
    ----------
    app : FastAPI
        The application.
    listener : socket.socket
        A listening socket.
    ready : callable
        Called once the server accepts requests.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="on",
        server_header=False,
    )
    server = _Server(config, ready, app.state.job_change_hub.close)
    with _quiet_signals():
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn's server, with a callback at its start and one before its shutdown."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], closing: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._closing = closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing()
        await super().shutdown(sockets)


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """Ignore the signal that uvicorn raises again after its shutdown, so that this process can clean up."""
    earlier = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
