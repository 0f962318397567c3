"""Ctrl-C while a dataset is added: no traceback, and nothing is half-added."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from syndb_service.ingest import add_folder, pipeline
from tests.support.waiting import wait_until

Desk = Any


@pytest.mark.parametrize("stage", ["number_neurons", "check_rows"])
def test_an_interrupted_query_is_a_keyboard_interrupt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def interrupted(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(pipeline, stage, interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_folder(desk.warehouse, desk.fill({"neurons.csv": "neuron_id\n1\n"}))
    assert desk.warehouse.datasets() == []
    staging = desk.folder.parent / "warehouse" / "staging"
    assert [path for path in staging.iterdir() if path.name != ".lock"] == []


@pytest.mark.slow
def test_ctrl_c_aborts_and_adds_nothing(desk: Desk, tmp_path: Path) -> None:
    rows = "SELECT range // 3000 AS pre, hash(range) % 3000 AS post, range AS x FROM range(6_000_000)"
    desk.write_parquet("synapses.parquet", rows)
    desk.write_parquet("neurons.parquet", "SELECT range AS neuron_id FROM range(3000)")
    desk.fill({})
    data = tmp_path / "data"
    command = [
        sys.executable,
        "-m",
        "syndb_service",
        "dataset",
        "add",
        "--data-dir",
        str(data),
        str(desk.folder),
    ]
    data.mkdir()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: list(data.rglob("work.duckdb")))
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert told.strip() == "Aborted!"
    assert [path for path in data.rglob("*") if path.suffix in {".parquet", ".json", ".duckdb"}] == []


def test_other_runtime_errors_stay_what_they_are(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise duckdb.InternalException("a defect")

    monkeypatch.setattr(pipeline, "number_neurons", broken)
    with pytest.raises(duckdb.InternalException):
        add_folder(desk.warehouse, desk.fill({"neurons.csv": "neuron_id\n1\n"}))
