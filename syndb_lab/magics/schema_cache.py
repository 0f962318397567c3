"""The cache of table, column and dataset names for completion; a background thread fetches them."""

from __future__ import annotations

import threading
import time
from typing import Final

from syndb_lab.datasets.datasets import Dataset
from syndb_lab.lab import Lab

STALE_S: Final = 300.0


class SchemaCache:
    """The last fetched tables, columns and datasets; they are refetched after ``STALE_S`` seconds."""

    def __init__(self) -> None:
        self.tables: dict[str, list[str]] = {}
        self.datasets: list[Dataset] = []
        self._fetched_at = float("-inf")
        self._url = ""

    def warm(self, lab: Lab) -> None:
        """Fetch the names in the background if they are stale or from another service."""
        if lab.url == self._url and time.monotonic() - self._fetched_at < STALE_S:
            return
        self._url, self._fetched_at = lab.url, time.monotonic()
        threading.Thread(target=self._fetch, args=(lab,), name="syndb-schema", daemon=True).start()

    def _fetch(self, lab: Lab) -> None:
        try:
            self.get(list(lab.datasets()))
        except Exception:  # completion is optional; the user sees the error when the cell runs
            self._fetched_at = float("-inf")

    def get(self, datasets: list[Dataset]) -> None:
        """Store the names of the datasets, their tables and columns."""
        tables: dict[str, list[str]] = {}
        for dataset in datasets:
            for name, table in dataset.tables.items():
                known = tables.setdefault(name, [])
                known += [column["name"] for column in table["columns"] if column["name"] not in known]
        self.tables, self.datasets = tables, datasets
