"""Look-ups in a list of datasets, shared by all warehouses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from syndb_service.domain.datasets import TABLES, Dataset, PreparedDataset, nearest_datasets
from syndb_service.errors import Conflict, NotFound, TransientError


def find(datasets: Sequence[Dataset], dataset_id: str) -> Dataset:
    """Find one dataset by its id.

    Raises
    ------
    NotFound
        With the code ``unknown_dataset``, and the nearest public datasets as its hint.
    """
    for dataset in datasets:
        if dataset.id == dataset_id.lower():
            return dataset
    public = [dataset for dataset in datasets if dataset.visibility == "public"]
    raise NotFound(
        f"There is no dataset {dataset_id!r}.",
        hint=nearest_datasets(dataset_id, public),
        code="unknown_dataset",
    )


def table_files(prepared: PreparedDataset, datasets: Iterable[Dataset], *, replace: bool) -> Dataset:
    """Return a prepared dataset with the id of the dataset that it replaces, if any.

    It takes over that one's readers unless it states its own, so that a restricted dataset stays restricted.

    Raises
    ------
    Conflict
        With the code ``dataset_exists`` if another dataset has its id or its name.
    """
    wanted = prepared.dataset
    for other in datasets:
        same_name = other.name == wanted.name
        if replace and (other.id == wanted.id or (same_name and not prepared.states_id)):
            wanted = dataclasses.replace(wanted, id=other.id)
            if not prepared.states_access:
                wanted = dataclasses.replace(wanted, visibility=other.visibility, readers=other.readers)
        elif other.id == wanted.id or same_name:
            key = f"name {wanted.name!r}" if same_name else f"id {wanted.id}"
            raise Conflict(
                f"The warehouse already holds a dataset with the {key}; nothing was added.",
                hint="Give the new one another name and id, or replace the old one with --replace.",
                code="dataset_exists",
            )
    return wanted


def files_by_table(datasets: Iterable[Dataset], tables: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the files of these datasets by table, relative to the warehouse; None selects all tables."""
    wanted = TABLES.keys() if tables is None else set(tables)
    files: dict[str, list[str]] = {table: [] for table in TABLES}
    for dataset in datasets:
        for table, info in dataset.tables.items():
            if table in wanted:
                files[table] += info.files
    return files


def dataset_changed() -> TransientError:
    """Return the error of a file that was removed after its manifest was read."""
    return TransientError(
        "a dataset was removed or replaced at this moment",
        hint="The job is tried again with what is there now.",
        code="store_unavailable",
    )
