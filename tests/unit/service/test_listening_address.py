"""Where a service listens: an address that is not ours and a port that is taken are told apart."""

from __future__ import annotations

import pytest

from syndb_service.errors import BadSetting
from syndb_service.server.http_server import open_listener, url_of


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_that_is_not_this_computers(host: str) -> None:
    with pytest.raises(BadSetting, match=f"can't listen on {host}") as refusal, open_listener(host, 0):
        pass
    assert "--host" in str(refusal.value.hint)


def test_a_port_that_is_taken() -> None:
    with open_listener("127.0.0.1", 0) as first:
        port = int(url_of(first).rpartition(":")[2])
        with pytest.raises(BadSetting, match=f"port {port}") as refusal, open_listener("127.0.0.1", port):
            pass
    assert "--port" in str(refusal.value.hint)
