"""The record of a dataset: source, citation, tables, visibility.

PreparedDataset ──DatasetStore.add──▶ Dataset ──dataset_json──▶ JSON of the API
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, get_args

from syndb_service.domain.access import Principal, may_read
from syndb_service.domain.table_schema import DATASET_ID, TABLES, VIEWS, Column, View, view_sql

__all__ = [
    "DATASET_ID",
    "TABLES",
    "VIEWS",
    "VISIBILITIES",
    "Column",
    "Dataset",
    "PreparedDataset",
    "Sizes",
    "TableInfo",
    "View",
    "Visibility",
    "dataset_json",
    "nearest_datasets",
    "view_sql",
]

Visibility = Literal["public", "restricted"]
Sizes = Sequence[tuple[int, int]]
"""Pairs (synapses, number of connections with that many synapses), most synapses first."""
VISIBILITIES: Final[tuple[Visibility, ...]] = get_args(Visibility)


@dataclass(frozen=True, slots=True)
class TableInfo:
    """The contents of one table of a dataset.

    Parameters
    ----------
    rows : int
        Number of rows.
    bytes : int
        Size of its files.
    files : tuple of str
        Its Parquet files, relative to the warehouse (to the staging folder while the dataset is prepared).
    columns : tuple of str
        The columns that the dataset has; all others are NULL in every row.
    units : mapping of str to str
        Units that differ from those of the schema, by column.
    """

    rows: int
    bytes: int
    files: tuple[str, ...]
    columns: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Write as plain JSON values."""
        return {
            "rows": self.rows,
            "bytes": self.bytes,
            "files": list(self.files),
            "columns": list(self.columns),
            "units": dict(self.units),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TableInfo:
        """Read what ``to_dict`` wrote."""
        return cls(
            rows=plain["rows"],
            bytes=plain["bytes"],
            files=tuple(plain["files"]),
            columns=tuple(plain["columns"]),
            units=dict(plain["units"]),
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """A connectome in the warehouse.

    Parameters
    ----------
    id : str
        UUID, in lower case with hyphens.
    name : str
        Short name, unique in the warehouse: ``celegans_varshney_2011``.
    title, species, version, licence, citation, doi, description : str
        As its metadata states them; empty if it does not.
    visibility : {"public", "restricted"}
        Who may query it: all users, or its ``readers``.
    tables : mapping of str to TableInfo
        The tables that it has, by name.
    views : mapping of str to int
        Rows of each view, counted when the dataset was added.
    added_at : datetime
        When it was added, in UTC.
    readers : tuple of str
        Who may query a restricted dataset: ``user:NAME`` and ``group:NAME``.
    connection_sizes : mapping of str to Sizes
        Numbers of connections by synapses, for each choice of ``include`` (``chemical``, ``gap_junctions``,
        ``both``); empty in a dataset of a version that did not count them.
    """

    id: str
    name: str
    title: str
    species: str
    version: str
    licence: str
    citation: str
    doi: str
    visibility: Visibility
    description: str
    tables: Mapping[str, TableInfo]
    views: Mapping[str, int]
    added_at: datetime
    readers: tuple[str, ...] = ()
    connection_sizes: Mapping[str, Sizes] = field(default_factory=dict)

    def open_to(self, principal: Principal) -> bool:
        """Return whether a principal may query the dataset."""
        return may_read(principal.user, principal.groups, self.visibility, self.readers)

    def to_dict(self) -> dict[str, Any]:
        """Write as plain JSON values."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        plain["tables"] = {name: info.to_dict() for name, info in self.tables.items()}
        plain["views"] = dict(self.views)
        plain["added_at"] = self.added_at.isoformat()
        plain["readers"] = list(self.readers)
        plain["connection_sizes"] = {name: list(sizes) for name, sizes in self.connection_sizes.items()}
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Dataset:
        """Read what ``to_dict`` wrote."""
        return cls(
            **{name: plain[name] for name in _TEXTS},
            tables={name: TableInfo.from_dict(info) for name, info in plain["tables"].items()},
            views=dict(plain["views"]),
            added_at=datetime.fromisoformat(plain["added_at"]),
            readers=tuple(plain.get("readers", ())),
            connection_sizes={
                name: [(synapses, connections) for synapses, connections in sizes]
                for name, sizes in plain.get("connection_sizes", {}).items()
            },
        )


_TEXTS: Final = (
    "id",
    "name",
    "title",
    "species",
    "version",
    "licence",
    "citation",
    "doi",
    "visibility",
    "description",
)


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """A checked dataset, as Parquet files in ``folder``, that can be added to a warehouse.

    ``states_id`` is False if its metadata has no id, so that the id is random. ``states_access`` is False if
    its metadata has no visibility, so that it keeps that of the dataset that it replaces.
    """

    dataset: Dataset
    folder: Path
    states_id: bool
    states_access: bool = True


def dataset_json(dataset: Dataset) -> dict[str, Any]:
    """Convert a dataset to the JSON of the API: its source, and its tables with columns, units and rows.

    Examples
    --------
    >>> record = dataset_json(varshney)  # doctest: +SKIP
    >>> [(table["name"], table["rows"]) for table in record["tables"]]  # doctest: +SKIP
    [('neurons', 279), ('synapses', 6394), ('neuron_relations', 1031), ('connections', 2194)]
    """
    tables = [
        _table_json(name, info.rows, [column for column in TABLES[name] if _brings(info, column)], info.units)
        for name, info in dataset.tables.items()
    ]
    views = [_table_json(name, rows, VIEWS[name].columns, {}) for name, rows in dataset.views.items()]
    names = (
        "id",
        "name",
        "title",
        "species",
        "citation",
        "doi",
        "licence",
        "version",
        "visibility",
        "description",
    )
    return {name: getattr(dataset, name) for name in names} | {"tables": tables + views}


def _brings(info: TableInfo, column: Column) -> bool:
    return column == DATASET_ID or column.name in info.columns


def _table_json(
    name: str, rows: int, columns: Iterable[Column], units: Mapping[str, str]
) -> dict[str, str | int | list[dict[str, str | None]]]:
    described: list[dict[str, str | None]] = [
        {
            "name": column.name,
            "type": column.type,
            "unit": units.get(column.name, column.unit),
            "description": column.description,
        }
        for column in columns
    ]
    return {"name": name, "rows": rows, "columns": described}


def nearest_datasets(wanted: str, datasets: Sequence[Dataset]) -> str:
    """Return a hint that names the datasets whose ids or names are nearest.

    Parameters
    ----------
    wanted : str
        An id or a name that none of them has.
    datasets : sequence of Dataset
        Datasets that the reader of the hint may know of.

    Examples
    --------
    >>> nearest_datasets("celegans", [])
    'There are no datasets that you may query yet.'
    """
    if not datasets:
        return "There are no datasets that you may query yet."
    keys = {key: dataset for dataset in datasets for key in (dataset.id, dataset.name)}
    near = get_close_matches(wanted, keys, n=3, cutoff=0.5)
    named = [keys[key] for key in near] or datasets[:5]
    names_by_id = {dataset.id: dataset.name for dataset in named}
    names = ", ".join(f"{name} ({dataset_id})" for dataset_id, name in names_by_id.items())
    return f"Did you mean {names}?" if near else f"There are: {names}."
