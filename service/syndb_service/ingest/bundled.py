"""The connectomes that the package contains."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from syndb_service.domain.datasets import Dataset
from syndb_service.errors import Conflict
from syndb_service.ingest.issues import IssueList
from syndb_service.ingest.metadata import read_metadata
from syndb_service.ingest.pipeline import add_folder
from syndb_service.warehouse import DatasetStore

BUNDLED: Final = Path(__file__).parents[1] / "bundled"


def install_bundled(warehouse: DatasetStore) -> list[Dataset]:
    """Add the bundled datasets that are missing, and return those that were added.

    Several processes may do this at the same time: each dataset is added once.

    Examples
    --------
    >>> [dataset.name for dataset in install_bundled(warehouse)]  # doctest: +SKIP
    ['celegans_varshney_2011', 'celegans_white_1986']
    >>> install_bundled(warehouse)  # doctest: +SKIP
    []
    """
    present = {key for dataset in warehouse.datasets() for key in (dataset.id, dataset.name)}
    added = []
    for folder in sorted(BUNDLED.iterdir()):
        metadata = read_metadata(folder, IssueList()) if folder.is_dir() else None
        if metadata is None or metadata.id in present or metadata.name in present:
            continue
        try:
            added.append(add_folder(warehouse, folder))
        except Conflict:
            continue
    return added
