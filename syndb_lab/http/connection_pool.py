"""The HTTP connections of one process; a forked child opens its own and does not use its parent's."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from syndb_lab.fork_safety import renew_in_children


class Connections:
    """An HTTP client that is rebuilt in each process.

    Two processes that write to one inherited socket receive each other's responses. A child therefore closes
    its copies of the parent's descriptors without sending anything on them, and its first request builds
    a new client.

    Parameters
    ----------
    build : callable
        Builds a client.
    """

    def __init__(self, build: Callable[[], httpx.Client]) -> None:
        self._build = build
        self._closed = False
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self._client: httpx.Client | None = self._built()
        renew_in_children(self)

    @property
    def client(self) -> httpx.Client:
        """The client of this process."""
        if self._process != os.getpid():  # forked by code that does not run Python's fork handlers
            self.renew_after_fork()
        with self._lock:
            if self._client is None:
                self._client = self._built()
            return self._client

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called, in this process or before it was forked."""
        return self._closed

    def close(self) -> None:
        """Close the connections of this process."""
        self._closed = True
        client, self._client = self._client, None  # a request in progress may open one more connection
        if client is not None and self._process == os.getpid():
            client.close()

    def renew_after_fork(self) -> None:
        """Drop the parent's client: close its descriptors here; its connections stay open in the parent."""
        self._process, self._lock = os.getpid(), threading.Lock()
        self._client = None
        for inherited in list(self._sockets):
            with suppress(OSError):
                os.close(inherited.detach())  # closing the stream could end the parent's connection as well
        self._sockets = weakref.WeakSet()

    def _built(self) -> httpx.Client:
        client = self._build()
        client.event_hooks["response"].append(self.note)
        return client

    def note(self, response: httpx.Response) -> None:
        """Store the socket of a response, so that a forked child can close it."""
        stream = response.extensions.get("network_stream")
        if stream is not None and (used := stream.get_extra_info("socket")) is not None:
            self._sockets.add(getattr(used, "_sock", used))  # an event loop wraps its sockets
