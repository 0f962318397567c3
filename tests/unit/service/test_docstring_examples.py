"""Every example in a docstring of the service gives what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import syndb_service
from tests.support.docstring_examples import modules_with_examples, run_examples

MODULES = modules_with_examples(syndb_service)


def test_there_are_many_examples() -> None:
    assert len(MODULES) > 80


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_examples(name, {})
