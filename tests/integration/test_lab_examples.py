"""Every example in a docstring of the notebook package gives what it says."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pytest

import syndb_lab
from tests.support.docstring_examples import modules_with_examples, run_examples

if TYPE_CHECKING:
    from tests.support.live_service import Live

MODULES = modules_with_examples(syndb_lab)


@pytest.fixture
def names(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SYNDB_URL", live.url)
    monkeypatch.setenv("SYNDB_TOKEN", live.token)
    monkeypatch.chdir(tmp_path)
    with syndb_lab.connect() as lab:
        job = lab.sql("SELECT name, cell_class FROM neurons ORDER BY name LIMIT 2").wait()
        yield {"lab": lab, "job": job, "pa": pa, "httpx": httpx, "datetime": datetime, "decimal": decimal}


def test_there_are_many_examples() -> None:
    assert len(MODULES) > 60


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str, names: dict[str, Any]) -> None:
    run_examples(name, names)
