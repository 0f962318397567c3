"""The names that SQL may use, held ready for completion: fetched in a thread, never while somebody types."""

from __future__ import annotations

import threading
import time
from typing import Final

from syndb_lab.datasets.datasets import Dataset
from syndb_lab.lab import Lab

STALE_S: Final = 300.0


class SchemaCache:
    """Tables, their columns, and datasets, as they were a while ago."""

    def __init__(self) -> None:
        self.tables: dict[str, list[str]] = {}
        self.datasets: list[Dataset] = []
        self._asked_at = float("-inf")
        self._url = ""

    def warm(self, lab: Lab) -> None:
        """Fetch the names in the background, where they are old or another service's."""
        if lab.url == self._url and time.monotonic() - self._asked_at < STALE_S:
            return
        self._url, self._asked_at = lab.url, time.monotonic()
        threading.Thread(target=self._fetch, args=(lab,), name="syndb-schema", daemon=True).start()

    def _fetch(self, lab: Lab) -> None:
        try:
            self.get(list(lab.datasets()))
        except Exception:  # completion is a nicety: whoever types sees what is wrong when the cell runs
            self._asked_at = float("-inf")

    def get(self, datasets: list[Dataset]) -> None:
        """Hold what the datasets say."""
        tables: dict[str, list[str]] = {}
        for dataset in datasets:
            for name, table in dataset.tables.items():
                known = tables.setdefault(name, [])
                known += [column["name"] for column in table["columns"] if column["name"] not in known]
        self.tables, self.datasets = tables, datasets
