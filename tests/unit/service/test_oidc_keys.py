"""The keys of an issuer: fetched when needed, again for an unknown one, and never without bounds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc.jwk import ECKey

from syndb_service.auth.oidc import Issuer
from syndb_service.errors import TransientError


class Site:
    """What an issuer publishes, and how often it was asked for its keys."""

    def __init__(self) -> None:
        self.asked = 0
        self.keys: list[dict[str, Any]] = []
        self.issuer: str | None = None
        self.keys_url: str | None = None
        self.url = ""


def published(kid: str, **fields: str) -> dict[str, Any]:
    return {**ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False), **fields}


@contextmanager
def serving(site: Site) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/keys":
                site.asked += 1
                told: dict[str, Any] = {"keys": site.keys}
            else:
                told = {"issuer": site.issuer or site.url, "jwks_uri": site.keys_url or f"{site.url}/keys"}
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    found.keys = [published("one")]
    with serving(found):
        yield found


def test_unknown_keys_don_t_make_us_flood_the_issuer(site: Site) -> None:
    issuer = Issuer(site.url, refetch_s=3600)
    assert issuer.key("one") is not None
    assert [issuer.key(f"forged-{number}") for number in range(50)] == [None] * 50
    assert site.asked == 1


@pytest.mark.slow
def test_a_new_key_is_found_and_the_old_one_forgotten(site: Site) -> None:
    issuer = Issuer(site.url, refetch_s=0)
    assert issuer.key("one") is not None
    site.keys = [published("two")]
    assert issuer.key("two") is not None
    assert issuer.key("one") is None


@pytest.mark.slow
def test_a_token_that_names_no_key(site: Site) -> None:
    issuer = Issuer(site.url, refetch_s=0)
    assert issuer.key(None) is not None
    site.keys = [published("one"), published("two")]
    assert issuer.key("two") is not None
    assert issuer.key(None) is None


def test_keys_for_encryption_sign_nothing(site: Site) -> None:
    site.keys = [published("one", use="enc")]
    assert Issuer(site.url, refetch_s=0).key("one") is None


@pytest.mark.parametrize("wrong", ["issuer", "keys_url", "keys"])
def test_an_issuer_that_is_another_one_is_away(site: Site, wrong: str) -> None:
    setattr(site, wrong, {"keys": "nonsense"}.get(wrong, "http://login.evil.example"))
    with pytest.raises(TransientError, match="identity provider"):
        Issuer(site.url, refetch_s=0).key("one")


def test_an_issuer_that_is_not_there() -> None:
    issuer = Issuer("http://127.0.0.1:9", refetch_s=0)
    with pytest.raises(TransientError) as refusal:
        issuer.key("one")
    assert refusal.value.http == 503
