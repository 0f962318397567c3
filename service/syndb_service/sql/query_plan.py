"""What the engine's plan tells before a query runs: the datasets it reads, and if progress is knowable."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb
from pyarrow import parquet

from syndb_service.sql.source_position import after_explain

FILE_FILTER: Final = re.compile(r"\(?dataset_id = '([0-9a-f-]{36})'\)?|\(?dataset_id IN \(([^()]*)\)\)?")
MULTIPLYING: Final = (
    "CROSS_PRODUCT",
    "NESTED_LOOP",
    "NL_JOIN",
    "IE_JOIN",
    "PIECEWISE_MERGE",
    "POSITIONAL",
    "UNNEST",
    "RECURSIVE",
    "REC_CTE",
)
"""Operators that make more rows than were read: the share that was read says nothing of what is left."""
ROW_BY_ROW: Final = ("PROJECTION", "ORDER_BY", "WINDOW", "STREAMING_WINDOW")
"""Operators that give as many rows as they get."""


class QueryPlan:
    """The plan of a query that passed the gate.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        The locked engine.
    sql : str
        The query.
    parameters : mapping
        Its bind values.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any]
    ) -> None:
        self._nodes: list[dict[str, Any]] = []
        if after_explain(sql) is None:
            ((_, plan),) = connection.execute(f"EXPLAIN (FORMAT json) {sql}", parameters or None).fetchall()
            self._nodes = list(_iter_nodes(json.loads(plan)))

    @property
    def has_progress(self) -> bool:
        """Whether the share of the rows that were read is the share of the work that is done."""
        names = [str(node.get("name", "")) for node in self._nodes]
        return not any(part in name for name in names for part in MULTIPLYING)

    @property
    def is_full_scan(self) -> bool:
        """Whether each row of one scan comes out, so that rows come fast once they come."""
        *above, last = self._nodes or [{}]
        return (
            "READ_PARQUET" in str(last.get("name", ""))
            and "Filters" not in last.get("extra_info", {})
            and all(str(node.get("name", "")).strip() in ROW_BY_ROW for node in above)
        )

    def datasets(self, readable: list[dict[str, Any]], texts: Collection[str]) -> list[dict[str, Any]]:
        """Return the datasets whose files are read; where the plan is silent, all that may be.

        Parameters
        ----------
        readable : list of dict
            The datasets that the user may read, each with its ``id``.
        texts : collection of str
            The text constants of the query: an id among them counts where no file is read at all.
        """
        if not self._nodes:
            return []
        read: set[str] = set()
        for scan in self._scans():
            ids = _filtered_ids(scan)
            if ids is None:
                return readable
            read |= ids
        named = [dataset for dataset in readable if dataset["id"] in (read or texts)]
        return named or readable

    def rows(self, files: Sequence[str]) -> int | None:
        """Return how many rows will come, where they are all those of one table; None where nobody knows.

        Parameters
        ----------
        files : sequence of str
            The Parquet files of the one table that the query reads.
        """
        if not self.is_full_scan:
            return None
        scan = self._nodes[-1]["extra_info"]
        ids = _filtered_ids(scan)
        if ids is None and "File Filters" in scan:
            return None
        read = [file for file in files if ids is None or any(f"dataset_id={each}" in file for each in ids)]
        return sum(int(parquet.read_metadata(file).num_rows) for file in read)

    def _scans(self) -> Iterator[dict[str, Any]]:
        for node in self._nodes:
            info = node.get("extra_info", {})
            if isinstance(info, dict) and "READ_PARQUET" in str(info.get("Function", "")):
                yield info


def _filtered_ids(scan: Mapping[str, Any]) -> set[str] | None:
    """Return the datasets that a scan is limited to by its files; None where the plan is silent."""
    match = FILE_FILTER.fullmatch(str(scan.get("File Filters", "")))
    if match is None:
        return None
    return {match.group(1)} if match.group(1) else set(re.findall(r"'([0-9a-f-]{36})'", match.group(2)))


def _iter_nodes(plan: Any) -> Iterator[dict[str, Any]]:
    for node in plan if isinstance(plan, list) else [plan]:
        yield node
        yield from _iter_nodes(node.get("children", []))
