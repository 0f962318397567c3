"""The result of a dry run: columns, tables, datasets and estimated rows of a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.display.listing import html_table
from syndb_lab.errors import SyndbError
from syndb_lab.text.terminal_text import escape_control_characters


@convert_errors
class DryRun:
    """The service's check of a valid query that was not run.

    Parameters
    ----------
    found : dict
        The service's response, as on the wire.
    names : callable, optional
        Returns the names of datasets by id; called only when they are shown.

    Examples
    --------
    >>> lab.validate("SELECT name FROM neurons")
    valid, and not run
      columns: name string
      reads: neurons
    ...
    """

    def __init__(self, found: dict[str, Any], names: Callable[[], Mapping[str, str]] = dict) -> None:
        self.found = found
        self._names = names

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the names of the datasets in place of the connection that fetches them."""
        names = dict(zip(self.found["dataset_ids"], self._datasets(), strict=True))
        return DryRun, (self.found, partial(dict, names))

    @property
    def columns(self) -> dict[str, str]:
        """The columns of the result and their types."""
        return {column["name"]: column["type"] for column in self.found["columns"]}

    @property
    def estimated_rows(self) -> int | None:
        """The estimated number of rows of the result; None if it can't be estimated."""
        rows: int | None = self.found["estimated_rows"]
        return rows

    @property
    def advice(self) -> list[str]:
        """The service's suggestions for a better query."""
        return list(self.found["advice"])

    def __repr__(self) -> str:
        return escape_control_characters(
            "\n".join(["valid, and not run", *(f"  {name}: {value}" for name, value in self._lines())])
        )

    def _repr_html_(self) -> str:
        rows = [[name, value] for name, value in self._lines()]
        return f"<p><b>valid, and not run</b></p>{html_table(['', ''], rows)}"

    def _datasets(self) -> list[str]:
        """Return the names of the datasets, or their ids if the names are unavailable."""
        named: Mapping[str, str] = {}
        if self.found["dataset_ids"]:
            with suppress(SyndbError):
                named = self._names()
        return [named.get(dataset_id, dataset_id) for dataset_id in self.found["dataset_ids"]]

    def _lines(self) -> list[tuple[str, str]]:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        rows = self.estimated_rows
        lines = [
            ("columns", columns),
            ("reads", ", ".join(self.found["tables"])),
            ("datasets", ", ".join(self._datasets())),
            ("rows", "unknown" if rows is None else f"about {rows:,}"),
            *(("advice", sentence) for sentence in self.advice),
        ]
        return [(name, escape_control_characters(value)) for name, value in lines if value]
