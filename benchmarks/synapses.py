"""Datasets of millions of synapses, generated once and reused by later runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.locations import Bench

COLUMNS: Final = (
    "range + 1 AS synapse_id, (hash(range) % 100000)::BIGINT + 1 AS pre_neuron_id, "
    "(hash(range + 7) % 100000)::BIGINT + 1 AS post_neuron_id, "
    "round(random() * 1000000) AS x, round(random() * 1000000) AS y, round(random() * 40000) AS z"
)


def synapses(bench: Bench, rows: int) -> Path:
    """Return a dataset folder with ``rows`` synapses of 100,000 neurons."""
    folder = bench.data_folder / f"synapses-{rows}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        query = f"SELECT {COLUMNS} FROM range({rows})"
        duckdb.execute(f"COPY ({query}) TO '{folder / 'synapses.parquet'}' (FORMAT parquet)")
        (folder / "done").touch()
    return folder


def dataset(bench: Bench, rows: int, name: str) -> Path:
    """Return such a folder for a dataset with the given name."""
    folder = bench.fresh_folder("dataset")
    (folder / "synapses.parquet").symlink_to(synapses(bench, rows) / "synapses.parquet")
    (folder / "dataset.toml").write_text(
        f'name = "{name}-{folder.name}"\ntitle = "{name}"\nspecies = "none"\n'
    )
    return folder
