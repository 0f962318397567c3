"""The engine's plan of a query: the datasets that it reads, and whether its progress can be measured."""

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
"""Operators that return more rows than they read: the share of rows read is not the share of work done."""
ROW_BY_ROW: Final = ("PROJECTION", "ORDER_BY", "WINDOW", "STREAMING_WINDOW")
"""Operators that return as many rows as they read."""


class QueryPlan:
    """The plan of a validated query.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A locked session.
    sql : str
        The query.
    parameters : mapping
        The values of its parameters.
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
        """Whether the share of rows read equals the share of work done."""
        names = [str(node.get("name", "")) for node in self._nodes]
        return not any(part in name for name in names for part in MULTIPLYING)

    @property
    def is_full_scan(self) -> bool:
        """Whether every row of one scan is returned, so that rows arrive fast after the first."""
        *above, last = self._nodes or [{}]
        return (
            "READ_PARQUET" in str(last.get("name", ""))
            and "Filters" not in last.get("extra_info", {})
            and all(str(node.get("name", "")).strip() in ROW_BY_ROW for node in above)
        )

    def datasets(self, readable: list[dict[str, Any]], texts: Collection[str]) -> list[dict[str, Any]]:
        """Return the datasets whose files are read, or all readable ones if the plan doesn't name them.

        Parameters
        ----------
        readable : list of dict
            The datasets that the user may read, each with its ``id``.
        texts : collection of str
            The text constants of the query; an id among them counts if no file is read.
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
        """Return the number of result rows if they are all rows of one table; None if it is unknown.

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
    """Return the datasets whose files a scan reads; None if the plan doesn't name them."""
    match = FILE_FILTER.fullmatch(str(scan.get("File Filters", "")))
    if match is None:
        return None
    return {match.group(1)} if match.group(1) else set(re.findall(r"'([0-9a-f-]{36})'", match.group(2)))


def _iter_nodes(plan: Any) -> Iterator[dict[str, Any]]:
    for node in plan if isinstance(plan, list) else [plan]:
        yield node
        yield from _iter_nodes(node.get("children", []))
