"""Statements by a seed, through the gate and then on an engine that nothing else holds back.

The short form runs with all tests; ``make test-security`` runs the long one. ``SYNDB_FUZZ_SEED`` and
``SYNDB_FUZZ_STATEMENTS`` set both; the figures are printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sandbox.fuzz import Arena

SEED = os.environ.get("SYNDB_FUZZ_SEED", "20261124")
STATEMENTS = os.environ.get("SYNDB_FUZZ_STATEMENTS", "1500")


@pytest.mark.timeout(3600)
def test_nothing_that_passes_the_gate_reads_writes_or_names_what_it_may_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.sandbox.fuzz", SEED, STATEMENTS], capture_output=True, text=True
    )
    assert done.returncode == 0, f"seed {SEED}: {done.stderr[-2000:]}"
    said = json.loads(done.stdout)
    findings = said.pop("findings")
    print(f"\nfuzz: {said}")
    assert findings == []
    assert said["statements"] == int(STATEMENTS)
    assert said["accepted"] > said["statements"] / 5
    assert said["executed"] > said["statements"] / 10
    assert said["refused"] > said["statements"] / 5


LEAKS = (
    "SELECT getvariable('canary')",
    "FROM marker",
    "SELECT canary_macro()",
    "FROM read_text('{TXT}')",
    "SELECT sql FROM duckdb_views",
    "WITH sqlite_master AS (SELECT sql FROM sqlite_master) FROM sqlite_master",
    "SELECT count(*) FROM read_csv('{TXT}')",
    "SELECT count(*) FROM marker",
    "FROM glob('{ROOT}/*')",
    "DELETE FROM marker",
)


def test_it_would_see_each_kind_of_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDB_CANARY", "")
    for number, statement in enumerate(LEAKS):
        arena = Arena(tmp_path / str(number))
        sql = statement
        for name, value in arena.names().items():
            sql = sql.replace(f"{{{name}}}", value)
        _, said = arena.run(sql)
        hidden = sql.replace(str(arena.folder), "")
        assert arena.findings(hidden, said), statement


def test_it_would_see_a_file_that_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNDB_CANARY", "")
    arena = Arena(tmp_path)
    arena.run(f"WITH t AS (COPY (SELECT 1) TO '{tmp_path}/evil.csv') FROM t")
    assert arena.tree() != arena.before
