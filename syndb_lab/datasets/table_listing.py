"""Listings of the tables and columns for SQL, over all datasets of the user."""

from __future__ import annotations

import difflib
from functools import partial
from typing import Any

from syndb_lab.datasets.datasets import Datasets, row_count
from syndb_lab.display.listing import Listing
from syndb_lab.errors import QueryError


def list_tables(datasets: Datasets) -> Listing[dict[str, Any]]:
    """List the tables, each with its total rows in all datasets.

    Examples
    --------
    >>> list_tables(lab.datasets())[0]["name"]
    'neurons'
    """
    tables: dict[str, dict[str, Any]] = {}
    for dataset in datasets:
        for name, table in dataset.tables.items():
            known = tables.setdefault(name, {**table, "rows": 0})
            counts = (known["rows"], table.get("rows"))
            known["rows"] = None if None in counts else sum(counts)
    return Listing(
        tables.values(),
        {
            "table": partial(text_of, "name"),
            "rows": row_count,
            "columns": column_names,
        },
        empty="no tables",
    )


def column_listing(datasets: Datasets, name: str) -> Listing[dict[str, Any]]:
    """List a table's columns with their types and units.

    Raises
    ------
    QueryError
        There is no such table; the hint names the nearest.
    """
    tables = {str(table["name"]): table for table in list_tables(datasets)}
    table = tables.get(name)
    if table is None:
        near = difflib.get_close_matches(name, tables, n=1) or sorted(tables)
        raise QueryError(f"there is no table {name!r}", hint=f"There is {', '.join(near)}.")
    return Listing(
        table["columns"],
        {
            "column": partial(text_of, "name"),
            "type": partial(text_of, "type"),
            "unit": partial(text_of, "unit"),
            "meaning": partial(text_of, "description"),
        },
        empty="no columns",
    )


def text_of(field: str, described: dict[str, Any]) -> str:
    """Return a field of a table's or a column's description as text; empty if it is missing."""
    return str(described.get(field) or "")


def column_names(table: dict[str, Any]) -> str:
    """Return the names of a table's columns, separated by commas."""
    return ", ".join(str(column["name"]) for column in table["columns"])
