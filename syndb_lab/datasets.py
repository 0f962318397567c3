"""Datasets as the service describes them, and listings of their tables and columns."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.plain_values import article
from syndb_lab.conversion.sql_values import format_value
from syndb_lab.display.listing import Listing, html_table
from syndb_lab.errors import ParameterError, QueryError, UnknownDataset
from syndb_lab.text.html_text import html_text
from syndb_lab.text.terminal_text import escape_control_characters

NULL_COLUMNS_NOTE: Final = (
    "Its tables have more columns in SQL (SELECT *): those that it does not bring are NULL."
)


class Dataset:
    """One connectome that the user may query.

    Parameters
    ----------
    description : dict
        The dataset as on the wire.

    Examples
    --------
    >>> lab.datasets()[0]
    celegans_varshney_2011 (Caenorhabditis elegans)
    C. elegans hermaphrodite, somatic nervous system (Varshney et al. 2011)
      neurons: 279 rows (dataset_id, neuron_id, name, cell_class, cell_type, ...)
      synapses: 6,394 rows (dataset_id, synapse_id, pre_neuron_id, post_neuron_id)
    ...
    """

    def __init__(self, description: dict[str, Any]) -> None:
        if not isinstance(description, Mapping) or not {"id", "name"} <= set(description):
            raise ParameterError(
                f"description is {article(description)}, no dataset as the service describes it",
                hint="Take one of lab.datasets(), or lab.datasets().named(name).",
            )
        self.description = description

    @property
    def id(self) -> str:
        """The id, for ``WHERE dataset_id = '…'``."""
        return str(self.description["id"])

    @property
    def name(self) -> str:
        """The short name."""
        return str(self.description["name"])

    @property
    def citation(self) -> str | None:
        """The citation for papers."""
        return self.description.get("citation")

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Its tables by name, with ``rows`` and ``columns``."""
        return {table["name"]: table for table in self.description.get("tables") or ()}

    def __repr__(self) -> str:
        lines = [f"{self.name} ({self.description.get('species')})", str(self.description.get("title") or "")]
        lines += [f"  {row[0]}: {row[1]} rows ({row[2]})" for row in self._table_rows()]
        return escape_control_characters(
            "\n".join(
                [*lines, f"  {NULL_COLUMNS_NOTE}", f"  id {self.id}", f"  cite: {self.citation or '–'}"]
            )
        )

    def _repr_html_(self) -> str:
        facts = [f"id {self.id}", self.citation or ""]
        return (
            f"<p><strong>{html_text(self.name)}</strong> {html_text(self.description.get('title') or '')}<br>"
            f"{'<br>'.join(html_text(fact) for fact in facts)}</p>"
            f"{html_table(['table', 'rows', 'columns'], self._table_rows())}<p>{NULL_COLUMNS_NOTE}</p>"
        )

    def _table_rows(self) -> list[list[str]]:
        return [
            [name, row_count(table), ", ".join(str(column["name"]) for column in table["columns"])]
            for name, table in self.tables.items()
        ]


@convert_errors
class Datasets(Listing[Dataset]):
    """The datasets that the user may query, as a list that shows itself as a table.

    Parameters
    ----------
    descriptions : sequence of dict
        The datasets as on the wire.

    Examples
    --------
    >>> lab.datasets()["celegans_varshney_2011"].citation
    'Varshney LR, Chen BL, ...'
    """

    def __init__(self, descriptions: Sequence[dict[str, Any]]) -> None:
        columns: dict[str, Callable[[Dataset], str]] = {
            "name": lambda dataset: dataset.name,
            "species": lambda dataset: str(dataset.description.get("species") or "–"),
            "neurons": lambda dataset: row_count(dataset.tables.get("neurons", {})),
            "connections": lambda dataset: row_count(dataset.tables.get("connections", {})),
            "title": lambda dataset: str(dataset.description.get("title") or ""),
            "id": lambda dataset: dataset.id,
        }
        empty = "no datasets; add one with `syndb-lab dataset add FOLDER`"
        super().__init__(map(Dataset, descriptions), columns, empty=empty)

    def __reduce__(self) -> tuple[Any, ...]:
        return Datasets, ([dataset.description for dataset in self],)

    def __getitem__(self, key: Any) -> Any:
        """Return the dataset with this name, id or index in the list."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        return next((dataset for dataset in self if dataset.id == key), None) or self.named(key)

    def named(self, name: str) -> Dataset:
        """Return the dataset with this name.

        Raises
        ------
        UnknownDataset
            No dataset has this name; the hint lists the nearest names.
        """
        if not isinstance(name, str):
            raise ParameterError(f"name is {article(name)}, no text", hint="lab.datasets() lists the names.")
        for dataset in self:
            if dataset.name == name:
                return dataset
        names = [dataset.name for dataset in self]
        near = difflib.get_close_matches(name, names, n=2, cutoff=0.4) or names
        raise UnknownDataset(
            f"no dataset is called {format_value(name)}",
            hint=f"There is {', '.join(near)}." if near else self._empty,
        )


def row_count(table: dict[str, Any]) -> str:
    """Format a table's number of rows; a dash if it is unknown."""
    rows = table.get("rows")
    return "–" if rows is None else f"{rows:,}"


def is_dataset_id(text: str) -> bool:
    """Whether a text is the id of a dataset, and not a name."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


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
