"""The loopback redirect: the local address to which a login redirects the browser (RFC 8252)."""

from __future__ import annotations

import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

PATH: Final = "/callback"
PAGE: Final = (
    b"<!doctype html><title>syndb-lab</title><p>You may close this page and go back to your notebook."
)
OTHER_PAGE: Final = (
    b"<!doctype html><title>syndb-lab</title><p>This is not the login that your notebook waits for."
    b"<p>Go back to the page of the login that was opened last."
)


class LoopbackRedirect:
    """A server on a free port of 127.0.0.1 that receives the answer to one login.

    Any page and any user of this computer can send requests to that port. Requests without the login's
    ``state`` are dropped, and the server goes on waiting.

    Parameters
    ----------
    state : str
        The state that the login sent and that its answer has to repeat.

    Examples
    --------
    >>> with LoopbackRedirect("a state of the login") as redirect:
    ...     redirect.wait(0.01) is None
    True
    """

    def __init__(self, state: str) -> None:
        self._state = state
        self._answer: dict[str, str] | None = None
        self._came = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def uri(self) -> str:
        """The address to which the provider redirects the browser."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, wait_s: float) -> dict[str, str] | None:
        """Wait up to ``wait_s`` seconds for the answer; return its parameters, or None."""
        return self._answer if self._came.wait(wait_s) else None

    def _accepts(self, answer: dict[str, str]) -> bool:
        is_first = not self._came.is_set()
        return is_first and secrets.compare_digest(answer.get("state", "").encode(), self._state.encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        redirect = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                answer = dict(parse_qsl(address.query))
                is_ours = address.path == PATH and redirect._accepts(answer)
                self.send_response(200 if is_ours else 400 if address.path == PATH else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", "default-src 'none'")
                self.end_headers()
                self.wfile.write(PAGE if is_ours else OTHER_PAGE if address.path == PATH else b"")
                if is_ours:
                    redirect._answer = answer
                    redirect._came.set()

            def log_message(self, *_: Any) -> None:
                """Log nothing, because the address contains the code."""

        return Handler
