"""The queries of the questions, and the equivalent for a user of bare DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Final

WORM: Final = "celegans_varshney_2011"
STRONGEST: Final = (
    "SELECT pre_neuron_id, post_neuron_id, count(*) AS n FROM synapses WHERE dataset_id = '{dataset}' "
    "GROUP BY ALL ORDER BY n DESC, 1, 2 LIMIT {limit}"
)
"""The strongest connections of a dataset: reads a file, groups 6,394 synapses, sorts, returns a few rows."""


def files(data_dir: Path, table: str, dataset: str) -> list[str]:
    """Return the Parquet files of a table of one dataset in a service's warehouse."""
    found = sorted((data_dir / "warehouse").rglob(f"{table}/**/dataset_id={dataset}/**/*.parquet"))
    if not found:
        raise FileNotFoundError(f"{table} of {dataset} in {data_dir}")
    return [str(file) for file in found]


def view(table: str, paths: list[str]) -> str:
    """Return the SQL of the view that a user of bare DuckDB would create for these files."""
    return f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM read_parquet({paths}, hive_partitioning = true)"
