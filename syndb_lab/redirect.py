"""The loopback address to which a browser comes back from a login (RFC 8252)."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

PATH: Final = "/callback"
PAGE: Final = (
    b"<!doctype html><title>syndb-lab</title><p>You may close this page and go back to your notebook."
)


class Redirect:
    """Listens on a free port of 127.0.0.1 for one answer.

    Examples
    --------
    >>> with Redirect() as redirect:
    ...     redirect.wait(0.01) is None
    True
    """

    def __init__(self) -> None:
        self._answer: dict[str, str] | None = None
        self._came = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def uri(self) -> str:
        """Where the browser is to come back to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, wait_s: float) -> dict[str, str] | None:
        """Return the parameters of the answer; None if none came in so many seconds."""
        return self._answer if self._came.wait(wait_s) else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        redirect = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                found = asked.path == PATH
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", "default-src 'none'")
                self.end_headers()
                self.wfile.write(PAGE if found else b"")
                if found and not redirect._came.is_set():
                    redirect._answer = dict(parse_qsl(asked.query))
                    redirect._came.set()

            def log_message(self, *_: Any) -> None:
                """Say nothing: the code is in the address."""

        return Handler
