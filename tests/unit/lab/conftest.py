"""A pretended service: answers by a function, no network."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from syndb_lab.http.transport import Transport
from syndb_lab.lab import Lab
from tests.support.lab_fakes import Answer


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("SYNDB_URL", "SYNDB_TOKEN", "SYNDB_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pretend() -> Iterator[Callable[[Answer], Transport]]:
    opened: list[Transport] = []

    def build(answer: Answer) -> Transport:
        transport = Transport("http://service", "secret-token", mount=httpx.MockTransport(answer), pause_s=0)
        opened.append(transport)
        return transport

    yield build
    for transport in opened:
        transport.close()


@pytest.fixture
def pretend_lab() -> Callable[[Answer], Lab]:
    return lambda answer: Lab("http://service", "secret-token", mount=httpx.MockTransport(answer))
