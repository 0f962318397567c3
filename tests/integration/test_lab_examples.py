"""Every example in a docstring of the notebook package gives what it says."""

from __future__ import annotations

import datetime
import decimal
import doctest
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pytest

import syndb_lab

if TYPE_CHECKING:
    from tests.support.live_service import Live

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
RUN = {"__main__"}
FOUND = [module.name for module in pkgutil.walk_packages(syndb_lab.__path__, "syndb_lab.")]
MODULES = sorted({name.removeprefix("syndb_lab.") for name in FOUND if name.rpartition(".")[2] not in RUN})


@pytest.fixture
def names(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SYNDB_URL", live.url)
    monkeypatch.setenv("SYNDB_TOKEN", live.token)
    monkeypatch.chdir(tmp_path)
    with syndb_lab.connect() as lab:
        job = lab.sql("SELECT name, cell_class FROM neurons ORDER BY name LIMIT 2").wait()
        yield {"lab": lab, "job": job, "pa": pa, "httpx": httpx, "datetime": datetime, "decimal": decimal}


@pytest.mark.parametrize("name", ["syndb_lab", *(f"syndb_lab.{module}" for module in MODULES)])
def test_examples_are_true(name: str, names: dict[str, Any]) -> None:
    module = import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    said: list[str] = []
    for example in doctest.DocTestFinder().find(module, extraglobs=names):
        runner.run(example, out=said.append)
    assert not said, "".join(said)
