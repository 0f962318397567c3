"""A proxy before a real S3 that lets chosen requests fail; signatures stay valid, since Host is passed on."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOLD_S = 120.0
SLOW_S = 0.7
OWN_HEADERS = ("expect", "connection", "transfer-encoding", "keep-alive")
ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>injected</Message></Error>"


class Act(StrEnum):
    """What happens to a request; ``AFTER`` is when the store has done it already."""

    REFUSE = auto()
    FAIL = auto()
    FAIL_AFTER = auto()
    CUT = auto()
    CUT_AFTER = auto()
    HOLD = auto()
    HOLD_AFTER = auto()
    SLOW = auto()

    @property
    def after(self) -> bool:
        """Whether the store does what it is asked."""
        return self in (Act.FAIL_AFTER, Act.CUT_AFTER, Act.HOLD_AFTER, Act.SLOW)


@dataclass
class Rule:
    """What happens to the next ``times`` requests of a method whose path and query match."""

    act: Act
    method: str = ".*"
    path: str = ".*"
    times: int = 1_000_000
    struck: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is one of them."""
        return (
            self.struck < self.times
            and re.fullmatch(self.method, method) is not None
            and re.search(self.path, path) is not None
        )


class StoreProxy:
    """Passes every request on to ``port`` of the loopback address, but for those that a rule is about."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """The URL that clients use."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def rule(self, act: Act, method: str = ".*", path: str = ".*", times: int = 1_000_000) -> Iterator[Rule]:
        """Let requests fail as long as the context lasts; what is held then is let go."""
        rule = Rule(act, method, path, times)
        with self._lock:
            self._rules.append(rule)
        try:
            yield rule
        finally:
            with self._lock:
                self._rules.remove(rule)
            rule.released.set()

    def take(self, method: str, path: str) -> Rule | None:
        """Return the rule that strikes a request, and count that."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.matches(method, path)), None)
            if rule is not None:
                rule.struck += 1
        return rule

    def pass_on(self, request: _Request, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Have the store do it; return its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        with contextlib.closing(connection):
            connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in OWN_HEADERS:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer, answer.read()

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: StoreProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.proxy = proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that break off are what the tests are about."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule = self.server.proxy.take(self.command, self.path)
        act = rule.act if rule is not None else None
        if rule is not None:
            rule.reached.set()
        if act is Act.SLOW:
            time.sleep(SLOW_S)
        if rule is not None and act is Act.HOLD:
            rule.released.wait(HOLD_S)
        if act in (Act.REFUSE, Act.FAIL, Act.CUT):
            self._strike(act)
            return
        try:
            answer, content = self.server.proxy.pass_on(self, body)
        except (OSError, http.client.HTTPException):
            self._cut()
            return
        if rule is not None and act is Act.HOLD_AFTER:
            rule.released.wait(HOLD_S)
        if act in (Act.FAIL_AFTER, Act.CUT_AFTER):
            self._strike(act)
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in (*OWN_HEADERS, "content-length"):
                self.send_header(name, value)
        size = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", size or "0")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one  # noqa: N815 (http.server's names)

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def _strike(self, act: Act | None) -> None:
        if act in (Act.CUT, Act.CUT_AFTER):
            self._cut()
            return
        code = "AccessDenied" if act is Act.REFUSE else "InternalError"
        content = ERROR.format(code).encode()
        self.send_response_only(403 if act is Act.REFUSE else 500)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
